//! How much of a customer a receiver may see.

/// A receiver's `privacy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privacy {
    /// Everything.
    #[default]
    Full,
    /// The name as initials; no message text, no phone, no mail address.
    Masked,
    /// The User ID only.
    Id,
}

impl Privacy {
    /// The values of the key `privacy`.
    pub const NAMES: [(&'static str, Self); 3] = [("full", Self::Full), ("masked", Self::Masked), ("id", Self::Id)];
}
