//! The file of a state: faults, formats, its place on the disk and its size.

mod files;
mod formats;
mod places;
mod space;
