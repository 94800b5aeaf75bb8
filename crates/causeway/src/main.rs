//! The `causeway` command.

use std::process::ExitCode;

/// Gives memory back that is free, such as that of a password's hash, and many threads do not wait for one another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
