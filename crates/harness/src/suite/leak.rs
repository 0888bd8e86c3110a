//! Nothing is left behind: after each group the redirector has what it had before, and working for a while does not
//! make it grow.

use std::time::Duration;

use ioctl::Statistics;

use super::check::{done, equal, eventually, holds};
use super::environment::{Baseline, Environment};
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{self, write_file};
use crate::runner::Test;

/// What is closed late (delayed closes, sessions kept for a while) must be gone after this time.
pub(super) const SETTLE_LIMIT: Duration = Duration::from_secs(30);

/// The last test of every group.
pub(crate) fn closing_check() -> Vec<Test<Environment>> {
    tests![leaves_nothing_behind]
}

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        mapping_again_and_again_takes_no_memory,
        working_again_and_again_takes_no_memory,
        force_again_and_again_takes_no_memory,
        no_allocation_failed,
    ]
}

/// Everything that exists because somebody uses the redirector.
fn objects(figures: &Statistics) -> [(&'static str, u64); 8] {
    [
        ("srv_calls", figures.srv_calls),
        ("net_roots", figures.net_roots),
        ("v_net_roots", figures.v_net_roots),
        ("fcbs", figures.fcbs),
        ("srv_opens", figures.srv_opens),
        ("fobxs", figures.fobxs),
        ("contexts", figures.contexts),
        ("sessions", figures.sessions),
    ]
}

pub(super) fn now(environment: &Environment) -> Result<Baseline, Failure> {
    Ok(Baseline {
        statistics: environment.device()?.statistics()?,
        live: environment.files.live()?,
    })
}

/// Waits until the objects are those of the baseline.
pub(super) fn settled(environment: &Environment, baseline: &Baseline) -> Checked {
    eventually(SETTLE_LIMIT, || {
        let now = now(environment)?;
        equal("objects", objects(&now.statistics), objects(&baseline.statistics))?;
        equal("file objects of the test driver", now.live, baseline.live)
    })
}

fn leaves_nothing_behind(environment: &Environment) -> Checked {
    let baseline = *environment.baseline.borrow();
    let result = settled(environment, &baseline);
    // The next group answers for its own leaks alone.
    *environment.baseline.borrow_mut() = now(environment)?;
    result?;
    equal("connections", environment.device()?.connections()?.len(), 0)
}

/// Does the same thing a few times so that everything that grows once has grown, then many times more, and compares
/// what is allocated. A table that doubles just then grows once; what leaks grows every time.
pub(super) fn takes_no_memory(environment: &Environment, once: impl Fn() -> Checked) -> Checked {
    const WARM_UP: u32 = 4;
    const MEASURED: u32 = 12;
    const MEASUREMENTS: u32 = 3;
    let baseline = now(environment)?;
    for _ in 0..WARM_UP {
        once()?;
    }
    let mut result = Ok(());
    for _ in 0..MEASUREMENTS {
        settled(environment, &baseline)?;
        let before = now(environment)?.statistics;
        for _ in 0..MEASURED {
            once()?;
        }
        settled(environment, &baseline)?;
        result = eventually(SETTLE_LIMIT, || {
            let after = now(environment)?.statistics;
            let grown =
                after.pool_allocations > before.pool_allocations || after.pool_bytes > before.pool_bytes;
            let what = format!(
                "{} allocations of {} bytes stay {} of {}",
                before.pool_allocations, before.pool_bytes, after.pool_allocations, after.pool_bytes
            );
            holds(&what, !grown)
        });
        if result.is_ok() {
            break;
        }
    }
    result
}

fn mapping_again_and_again_takes_no_memory(environment: &Environment) -> Checked {
    environment.share()?;
    takes_no_memory(environment, || environment.mapped()?.finish())
}

fn working_again_and_again_takes_no_memory(environment: &Environment) -> Checked {
    environment.share()?;
    takes_no_memory(environment, || {
        let scratch = environment.scratch()?;
        let target = scratch.path("file")?;
        done("writing", write_file(&*environment.files, &target, &[1; 100_000]))?;
        equal(
            "length read",
            files::read_file(&*environment.files, &target)?.len(),
            100_000,
        )?;
        scratch.finish()
    })
}

fn force_again_and_again_takes_no_memory(environment: &Environment) -> Checked {
    environment.share()?;
    takes_no_memory(environment, || {
        let mut mapped = environment.mapped()?;
        let (mut root, _) = environment
            .files
            .open(&mapped.root(), &crate::open::OpenRequest::list())?;
        done("unmapping by force", mapped.connected.cancel(true))?;
        done("closing the orphan", root.close())
    })
}

fn no_allocation_failed(environment: &Environment) -> Checked {
    equal(
        "failed allocations",
        environment.device()?.statistics()?.pool_failures,
        0,
    )
}
