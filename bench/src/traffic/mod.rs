//! What is sent over a path.

pub mod latency;
pub mod packets;
pub mod stream;

use std::process::Child;

/// A process that ends with its handle.
#[derive(Debug)]
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
