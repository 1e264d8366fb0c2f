//! How much of a customer a receiver may see.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// A receiver's `privacy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Privacy {
    /// Everything.
    #[default]
    Full,
    /// The name as initials; no message text, no phone, no mail address.
    Masked,
    /// The User ID only.
    Id,
}
