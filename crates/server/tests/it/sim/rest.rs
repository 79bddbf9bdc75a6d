//! What the smaller worlds share: how they come to rest when nothing goes wrong any more, and how
//! many seeds of them are run and told of.

use kopeck::kit::{db::DbError, jobs};
use kopeck_banks::emulator::Control;

use super::{
    Stats, add, number,
    world::{DAY_MS, World},
};

/// Seeds of one run that failed after which it stops.
const MAX_FAILED: usize = 5;

/// A world that comes to rest.
pub trait Resting {
    fn world(&mut self) -> &mut World;

    /// Whether a job of this kind means that something is under way still.
    fn is_work(kind: &str) -> bool;

    /// Whether notices may stay away for ever from now on.
    fn may_be_deaf(&self) -> bool {
        true
    }

    fn check_round(&mut self, _round: usize) -> Result<(), String> {
        Ok(())
    }

    fn before_waiting(&mut self) {}
}

/// Runs until nothing was under way for `quiet_ms`. In half of the worlds no notice ever arrives
/// again: asking must be enough.
pub fn come_to_rest<R: Resting>(of: &mut R, quiet_ms: i64, rounds: usize) -> Result<(), String> {
    let now = of.world().now();
    for bank in &mut of.world().banks {
        bank.emulator.control(now, &Control::ClearFaults).unwrap();
    }
    let is_deaf = !of.world().chance.percent(50) && of.may_be_deaf();
    let mut quiet_since_ms = of.world().now_ms();
    for round in 0..rounds {
        let world = of.world();
        world.wake_all();
        world.carry_all();
        world.collect();
        let now = world.now();
        for mail in std::mem::take(&mut world.mail) {
            if is_deaf {
                world.banks[mail.bank].emulator.delivered(now, mail.delivery, Some(200));
            } else {
                world.take_notice(0, mail);
            }
        }
        let started = world.claim(1, 16, u32::MAX);
        world.carry_all();
        let is_running = started > 0 || world.tasks.len() > 0;
        of.check_round(round)?;
        if is_running {
            continue;
        }
        let world = of.world();
        if world.jobs().iter().any(|(kind, ..)| R::is_work(kind)) {
            quiet_since_ms = world.now_ms();
        } else if world.now_ms() - quiet_since_ms > quiet_ms {
            return Ok(());
        }
        of.before_waiting();
        let world = of.world();
        let due: Result<Option<i64>, DbError> = world.write(jobs::find_next_due);
        let due_ms = due.unwrap().ok_or("even the sweeps are gone")?;
        let ms = (due_ms - world.now_ms()).clamp(1, DAY_MS);
        world.advance_by(ms);
    }
    Err(format!("it does not come to rest: {:?}", of.world().jobs()))
}

impl World {
    /// Each payment that came by a place was announced once as made and once as paid.
    pub fn check_received(&self) -> Result<(), String> {
        let rows: Result<Vec<(String, i64, i64)>, DbError> = self.write(|tx| {
            let rows = tx.query(
                "select p.id, (select count(*) from events e where e.subject_id = p.id and \
                 e.kind = 'payment.paid'), (select count(*) from events e where \
                 e.subject_id = p.id) from payments p where p.place_id is not null",
                &[],
            )?;
            rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?, row.int(2)?))).collect()
        });
        let wrong = rows.unwrap().into_iter().find(|(_, paid, all)| (*paid, *all) != (1, 2));
        wrong.map_or(Ok(()), |it| Err(format!("announced otherwise than once: {it:?}")))
    }
}

/// A kind of world, and what many of them must have seen.
pub struct Worlds {
    /// The test, as it is named to replay a seed.
    pub test: &'static str,
    /// Seeds that once failed, each with what was wrong.
    pub regressions: &'static [(u64, &'static str)],
    /// These worlds are slower than the others.
    pub max: u64,
    pub run: fn(u64, bool) -> Result<Stats, String>,
    /// From this many seeds on, each of these has happened.
    pub enough: u64,
    pub seen: &'static [&'static str],
}

impl Worlds {
    pub fn run(&self) {
        if let Some(seed) = number("KOPECK_SIM_SEED") {
            let stats = (self.run)(seed, true).unwrap_or_else(|why| panic!("{why}"));
            println!("{stats:#?}");
            return;
        }
        let count = number("KOPECK_SIM_SEEDS").unwrap_or(1_000).min(self.max);
        let start = number("KOPECK_SIM_START").unwrap_or(0);
        let (mut all, mut failed) = (Stats::new(), Vec::new());
        let known = self.regressions.iter().map(|(seed, _)| *seed);
        for seed in known.chain(start..start + count) {
            match (self.run)(seed, false) {
                Ok(stats) => add(&mut all, stats),
                Err(why) => failed.push((seed, why)),
            }
            if failed.len() >= MAX_FAILED {
                break;
            }
        }
        println!("{all:#?}");
        for (seed, why) in &failed {
            println!("seed {seed}: {}", why.lines().next().unwrap_or_default());
        }
        let (seed, why) = failed.first().cloned().unwrap_or_default();
        assert!(
            failed.is_empty(),
            "seed {seed}: {why}\nreplay: KOPECK_SIM_SEED={seed} cargo test -p kopeck --test it {} \
             -- --nocapture",
            self.test
        );
        if count >= self.enough {
            super::must_have_seen(&all, self.seen);
        }
    }
}
