//! Settings: `config.default.toml`, then a file, then the environment, then flags.
