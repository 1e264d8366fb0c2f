//! A value that is replaced while it is in use, such as a token that is rotated.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// The present value. Clones share it.
pub struct Renewable<T>(Arc<ArcSwap<T>>);

impl<T> Renewable<T> {
    /// The value as it is now; the returned one stays the same when the value is replaced.
    pub fn get(&self) -> Arc<T> {
        self.0.load_full()
    }

    /// Replaces the value for all clones.
    pub fn replace(&self, value: T) {
        self.0.store(Arc::new(value));
    }
}

impl<T> From<T> for Renewable<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(value)))
    }
}

impl<T> Clone for Renewable<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> std::fmt::Debug for Renewable<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renewable(..)")
    }
}
