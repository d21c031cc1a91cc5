//! `make up` and `make down`: a control plane with the operator and the quickstart, kept in `.chatelaine/`.

mod down;
mod home;
mod process;
mod settled;
mod up;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["up", operator] => up::up(operator.as_ref()).await,
        ["down"] => down::down(),
        _ => Err(anyhow::anyhow!("usage: household up <operator's binary> | household down")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
