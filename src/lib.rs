//! pengwatch watches the inbox of a customer-chat account and tells the right people who is waiting.

pub mod diagnose;
pub mod model;
pub mod sandbox;
pub mod service;
