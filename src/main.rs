//! The `pengwatch` binary: arguments in, exit status out.

use std::process::ExitCode;

use pengwatch::cli;

fn main() -> ExitCode {
    pengwatch::net::install_crypto();
    cli::report_internal_errors();
    cli::main()
}
