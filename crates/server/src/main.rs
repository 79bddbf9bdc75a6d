//! The program. Everything is in the library: the commands in `cli`.

fn main() -> std::process::ExitCode {
    kopeck::cli::main()
}
