fn main() -> std::process::ExitCode {
    kopeck::cli::main()
}
