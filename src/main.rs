//! The slimdiff binary: all of it is in the library.

fn main() -> std::process::ExitCode {
    slimdiff::cli::main()
}
