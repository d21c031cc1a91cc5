//! What the kernel says that a process used.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// `USER_HZ`, which is 100 wherever Linux runs.
const TICKS: u64 = 100;
/// Nothing to do means: not a tick of CPU for so long.
const REST: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub cpu: Duration,
    /// In MiB, as is the peak.
    pub resident: f64,
    pub peak: f64,
}

impl Usage {
    pub fn of(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such field")?;
            let kib = line.split_whitespace().nth(1).context("no such figure")?;
            Ok(kib.parse::<f64>()? / 1024.0)
        };
        Ok(Self { cpu: cpu(process)?, resident: field("VmRSS")?, peak: field("VmHWM")? })
    }
}

/// Of several together, so far.
pub fn cpu_of(processes: &[u32]) -> Result<Duration> {
    processes.iter().map(|process| cpu(*process)).sum()
}

fn cpu(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold spaces.
    let (_, fields) = stat.rsplit_once(')').context("an unknown form of stat")?;
    let ticks: Vec<u64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 1000 / TICKS))
}

/// Waits until it has nothing to do; when it last had. A tick now and then is no work.
pub async fn rest(process: u32) -> Result<Instant> {
    let (mut last, mut used) = (Instant::now(), cpu(process)?);
    while last.elapsed() < REST {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = cpu(process)?;
        if now > used + Duration::from_millis(10) {
            (last, used) = (Instant::now(), now);
        }
    }
    Ok(last)
}
