//! pengwatch watches the inbox of a customer-chat account and tells the right people who is waiting.

pub mod cli;
pub mod config;
pub mod diagnose;
pub mod engine;
pub mod inbox;
pub mod model;
pub mod notify;
pub mod render;
pub mod rules;
pub mod sandbox;
pub mod service;
pub mod store;
