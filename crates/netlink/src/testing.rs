//! What the tests of this crate share.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Namespace;

/// Leaves the test, loudly, when it cannot make namespaces.
macro_rules! root {
    () => {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED {}: needs root", module_path!());
            return;
        }
    };
}
pub(crate) use root;

/// A name that no other test and no other run of the tests has.
pub(crate) fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("cwt{}-{}-{what}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A namespace that is removed at the end of the test.
pub(crate) struct TestNamespace {
    name: String,
    namespace: Namespace,
}

impl TestNamespace {
    pub(crate) fn new(what: &str) -> Self {
        let name = unique(what);
        let namespace = match Namespace::create(&name) {
            Ok(namespace) => namespace,
            Err(error) => panic!("{error}"),
        };
        TestNamespace { name, namespace }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Deref for TestNamespace {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.namespace
    }
}

impl Drop for TestNamespace {
    fn drop(&mut self) {
        if let Err(error) = Namespace::remove(&self.name) {
            eprintln!("{error}");
        }
    }
}
