//! The `pengwatch` binary: arguments in, error printed once, exit status.

use std::process::ExitCode;

use clap::Parser;
use pengwatch::cli::{self, Arguments, Exit};

fn main() -> ExitCode {
    pengwatch::service::http::install_crypto();
    cli::report_internal_errors();
    let arguments = Arguments::parse();
    let global = arguments.global.clone();
    match cli::main(arguments) {
        Ok(exit) => exit.into(),
        Err(error) => {
            cli::tell_error(&global, &error);
            Exit::No.into()
        }
    }
}
