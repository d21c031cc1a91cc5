//! `make bench`: what a fleet of credentials costs, beside the least that it could cost.
//!
//! For each size, on real control planes of its own and in the same run:
//!
//! 1. the floor: a bare client that does for each credential the same POST and the same status write;
//! 2. the operator, started where all credentials are already there and wait to be issued;
//! 3. the operator once more, where all of them are done.
//!
//! | file | idea |
//! |---|---|
//! | [`stage`] | a control plane with Accounts and credentials; when the last of them is Ready |
//! | [`floor`] | the bare client, with a Secret and a status that the operator made as its pattern |
//! | [`issue`] | the operator's first start and its second |
//! | [`requests`] | what the API server says that it was asked |
//! | [`process`] | what the kernel says that the operator used |
//! | [`table`] | each figure beside the one that is due |
//!
//! It ends with an error only if something cannot be measured: figures depend on the machine and on what else it
//! does. The rates of one run can be compared with each other, those of two runs only with care.

mod floor;
mod issue;
mod process;
mod requests;
mod stage;
mod table;

use std::num::NonZero;

use anyhow::Result;
use clap::Parser;
use stage::Stage;

/// How many credentials share an Account.
const PER_ACCOUNT: usize = 100;
/// How many requests are in flight, here and in the operator.
const CONCURRENCY: usize = 32;
const OPERATOR: &str = env!("CARGO_BIN_EXE_chatelaine");

#[derive(Parser)]
struct Arguments {
    /// How many credentials there are; more than one number, more than one run.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    credentials: Vec<usize>,
    /// How many Accounts they belong to, in equal parts; without it a hundred share one.
    #[arg(long)]
    accounts: Option<NonZero<usize>>,
    /// Cargo adds this.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { credentials, accounts, .. } = Arguments::parse();
    for number in credentials {
        let accounts = accounts.map_or(number.div_ceil(PER_ACCOUNT), NonZero::get);
        table::heading(number, accounts);
        let floor = {
            let stage = Stage::build().await?;
            let pattern = floor::Pattern::take(&stage).await?;
            let tokens = stage.populate(number, accounts).await?;
            floor::measure(&stage, &pattern, &tokens).await?
        };
        table::floor(&floor);
        let stage = Stage::build().await?;
        stage.populate(number, accounts).await?;
        let issued = issue::measure(&stage, number).await?;
        table::issued(&issued, &floor, accounts);
        let again = issue::measure_restart(&stage).await?;
        table::restarted(&again);
    }
    Ok(())
}
