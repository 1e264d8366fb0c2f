//! The file of a state: what becomes of it, its formats, its place and its room.

mod files;
mod formats;
mod places;
mod space;
