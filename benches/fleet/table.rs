//! Each figure beside the one that is due.

use std::{fmt::Display, time::Duration};

use crate::{
    floor::Floor,
    issue::{Issued, Restarted},
    requests::Count,
};

/// What is due, as the contract has it.
const SHARE_OF_THE_FLOOR: f64 = 0.75;
const WRITES: f64 = 2.05;
const READS: f64 = 0.05;
const PICTURES: f64 = 1.0;
const RESIDENT_MIB: f64 = 64.0;
const READY_SECONDS: f64 = 3.0;

pub fn heading(number: usize, accounts: usize) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    println!("\n{number} credentials of {accounts} Accounts (load of the machine before: {load})");
    println!("  {:<54} {:>14}   due", "", "measured");
}

fn line(what: impl Display, measured: impl Display, due: impl Display, good: Option<bool>) {
    let verdict = match good {
        None => "",
        Some(true) => "yes",
        Some(false) => "NO",
    };
    println!("{}", format!("  {what:<54} {measured:>14}   {due:<24} {verdict}").trim_end());
}

fn info(what: impl Display, measured: impl Display) {
    line(what, measured, "", None);
}

fn most(what: &str, measured: f64, due: f64, unit: &str, digits: usize) {
    let good = measured <= due;
    line(what, format!("{measured:.digits$}{unit}"), format!("at most {due}{unit}"), Some(good));
}

pub fn floor(floor: &Floor) {
    let [secret, status] = floor.bytes;
    info("floor: seconds", format!("{:.2}", floor.took.as_secs_f64()));
    info("floor: credentials per second", format!("{:.0}", floor.rate()));
    info("floor: CPU of servers and client, per credential", both(floor.servers, floor.own, floor.number));
    info("floor: bytes of a Secret, of a status write", format!("{secret}, {status}"));
}

pub fn issued(issued: &Issued, floor: &Floor, accounts: usize) {
    let number = issued.number as f64;
    let rate = number / issued.took.as_secs_f64();
    info("operator: seconds until its caches are filled", format!("{:.2}", issued.ready.as_secs_f64()));
    info("operator: seconds until all are Ready", format!("{:.2}", issued.took.as_secs_f64()));
    let due = format!("at least {:.0}", SHARE_OF_THE_FLOOR * floor.rate());
    let good = rate >= SHARE_OF_THE_FLOOR * floor.rate();
    line("operator: credentials per second", format!("{rate:.0}"), due, Some(good));
    let share = format!("{:.0} %", 100.0 * rate / floor.rate());
    line(
        "operator: share of the floor's rate",
        share,
        format!("at least {:.0} %", 100.0 * SHARE_OF_THE_FLOOR),
        Some(good),
    );
    info(
        "operator: CPU of servers and operator, per credential",
        both(issued.servers, issued.usage.cpu, issued.number),
    );
    // What else the machine does disturbs the rates of the two, but hardly this.
    let least = (floor.servers + floor.own).as_secs_f64();
    let share = 100.0 * least / (issued.servers + issued.usage.cpu).as_secs_f64();
    info("operator: share of the floor's rate, going by CPU", format!("{share:.0} %"));
    most("operator: resident at its peak", issued.later.peak, RESIDENT_MIB, " MiB", 1);
    info("operator: resident when all are Ready", format!("{:.1} MiB", issued.usage.resident));
    info("operator: resident after a rest", format!("{:.1} MiB", issued.later.resident));
    most(
        "operator: writes per credential, less events",
        issued.requests.writes() as f64 / number,
        WRITES,
        "",
        3,
    );
    most("operator: reads per credential", issued.requests.reads() as f64 / number, READS, "", 3);
    let pictures = issued.requests.account_pictures() as f64 / accounts as f64;
    most(
        "operator: writes of an Account's status per second",
        pictures / issued.took.as_secs_f64(),
        PICTURES,
        "",
        2,
    );
    most("operator: repeated issues", issued.repeated as f64, 0.0, "", 0);
    info(
        "operator: events so far, per credential",
        format!("{:.3}", issued.requests.events() as f64 / number),
    );
    by_verb("operator", &issued.requests, number);
}

pub fn restarted(restarted: &Restarted) {
    most("restart: seconds until its caches are filled", restarted.ready.as_secs_f64(), READY_SECONDS, "", 2);
    info("restart: seconds until all were looked at", format!("{:.2}", restarted.rest.as_secs_f64()));
    most("restart: writes, less events", restarted.requests.writes() as f64, 0.0, "", 0);
    info("restart: own CPU", format!("{:.0} ms", restarted.usage.cpu.as_secs_f64() * 1000.0));
    most("restart: resident at its peak", restarted.usage.peak, RESIDENT_MIB, " MiB", 1);
    info("restart: resident after a rest", format!("{:.1} MiB", restarted.usage.resident));
    by_verb("restart", &restarted.requests, 1.0);
}

fn both(servers: Duration, client: Duration, number: usize) -> String {
    let each = |cpu: Duration| cpu.as_secs_f64() * 1000.0 / number as f64;
    format!("{:.2} + {:.2} ms", each(servers), each(client))
}

fn by_verb(who: &str, requests: &Count, number: f64) {
    let digits = if number > 1.0 { 3 } else { 0 };
    for ((verb, resource), times) in requests.by_verb() {
        info(format!("{who}:   {verb} {resource}"), format!("{:.digits$}", times as f64 / number));
    }
}
