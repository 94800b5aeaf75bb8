//! The whole story, on each data plane that this machine has.
#![allow(clippy::unwrap_used, reason = "tests")]

use demo::{DemoOptions, run};
use server::{DatapathChoice, kernel_supported};

async fn tell(datapath: DatapathChoice) {
    let outcome = run(DemoOptions { stay: false, datapath }).await.unwrap();
    assert_eq!(outcome.differences, Vec::<String>::new());
    assert!(outcome.is_good());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_comes_true_without_packets() {
    tell(DatapathChoice::Sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_comes_true_with_packets_and_nothing_is_left() {
    match kernel_supported() {
        Ok(()) => tell(DatapathChoice::Kernel).await,
        Err(missing) => eprintln!("SKIPPED: the story with packets: {missing}"),
    }
}
