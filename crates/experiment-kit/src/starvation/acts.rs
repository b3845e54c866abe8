//! The four acts, and the plan: how they are interleaved, how long each lasts, how much is sent.
//!
//! # Model
//! A round plays each act once, in an order that the seed shuffles; rounds repeat. All acts of a round have the
//! same schedule, and all heavy requests ask for the same work. Heavy requests come so often that the work takes
//! two fifths of the time: enough to show in a p99, and never so much that a queue of heavy work builds up.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use crate::load::{ActSpec, StreamSpec};
use crate::rng::Rng;

/// What the server is asked to do besides answering pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Nothing.
    Idle,
    /// The work on the loop's thread, in one piece.
    Inline,
    /// The work in the pool.
    Offloaded,
    /// The work on the loop's thread, in pieces.
    Chunked,
}

impl Act {
    /// All acts in the order of the story.
    pub const ALL: [Act; 4] = [Act::Idle, Act::Inline, Act::Offloaded, Act::Chunked];

    /// Its name in results and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Act::Idle => "idle",
            Act::Inline => "inline",
            Act::Offloaded => "offloaded",
            Act::Chunked => "chunked",
        }
    }

    /// The route of its heavy requests.
    pub fn route(self) -> Option<&'static str> {
        match self {
            Act::Idle => None,
            Act::Inline => Some("/block"),
            Act::Offloaded => Some("/offload"),
            Act::Chunked => Some("/chunked"),
        }
    }
}

/// The part of the time that the heavy work takes.
const DUTY: f64 = 0.4;
/// An act of a round lasts this long when there is time enough for several rounds.
const ACT_PREFERRED: Duration = Duration::from_secs(1);
const ROUNDS_PREFERRED: u32 = 5;

/// Connections that are open before an act begins.
const WARM_CONNECTIONS: usize = 4;
/// A blocked server is to be asked by new connections, but not by more than a common descriptor limit allows.
const MAX_CONNECTIONS: usize = 512;
/// A request fails when it has no answer this many blocks after it was due.
const TIMEOUT_BLOCKS: f64 = 20.0;
const TIMEOUT_MIN_MS: f64 = 5_000.0;

/// How the acts are played.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How often each act is played.
    pub rounds: usize,
    /// How long one act of one round lasts.
    pub act: Duration,
    /// Pings in one act of one round.
    pub pings: usize,
    /// Heavy requests in one act of one round.
    pub works: usize,
    block: Duration,
    seed: u64,
}

impl Plan {
    /// The plan for `total` time of measuring with `rate` pings a second and work of `block`.
    pub fn new(total: Duration, block: Duration, rate: f64, seed: u64) -> Plan {
        let of_act = total / Act::ALL.len() as u32;
        let shortest = block.mul_f64(1.0 / DUTY);
        let wanted = shortest.max(ACT_PREFERRED.min(of_act / ROUNDS_PREFERRED));
        let rounds = ((of_act.as_secs_f64() / wanted.as_secs_f64() + 1e-9) as usize).max(1);
        Plan { rounds, ..Plan::of_acts(of_act.div_f64(rounds as f64), block, rate, seed) }
    }

    /// The plan of one round with acts of this length, or of a longer one that the block needs.
    pub fn of_acts(act: Duration, block: Duration, rate: f64, seed: u64) -> Plan {
        let act = act.max(block.mul_f64(1.0 / DUTY));
        let per_act = |rate: f64| (rate * act.as_secs_f64()).round().max(1.0) as usize;
        let works = per_act(DUTY / block.as_secs_f64());
        Plan { rounds: 1, act, pings: per_act(rate), works, block, seed }
    }

    /// The order of the acts in a round.
    pub(crate) fn order(&self, round: usize) -> [Act; 4] {
        let mut order = Act::ALL;
        Rng::new(self.seed_of(round)).shuffle(&mut order);
        order
    }

    /// The seed of a round's schedule.
    pub(crate) fn seed_of(&self, round: usize) -> u64 {
        Rng::new(self.seed.wrapping_add(round as u64)).next_u64()
    }

    /// What is sent in `act`: the pings first, then the heavy requests.
    pub fn streams(&self, act: Act) -> Vec<StreamSpec> {
        let mut streams = vec![StreamSpec::new("/ping", self.pings)];
        if let Some(route) = act.route() {
            let path = format!("{route}?ms={}", self.block.as_millis());
            streams.push(StreamSpec::new(path, self.works));
        }
        streams
    }

    /// What the load client is told for one act of `round`.
    pub fn spec(&self, addr: SocketAddr, round: usize, streams: Vec<StreamSpec>) -> ActSpec {
        ActSpec {
            addr,
            seed: self.seed_of(round),
            length_ms: self.act.as_secs_f64() * 1e3,
            streams,
            warm_connections: WARM_CONNECTIONS,
            max_connections: MAX_CONNECTIONS,
            timeout_ms: (TIMEOUT_BLOCKS * self.block.as_secs_f64() * 1e3).max(TIMEOUT_MIN_MS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(total_s: u64, block_ms: u64) -> Plan {
        Plan::new(Duration::from_secs(total_s), Duration::from_millis(block_ms), 220.0, 7)
    }

    #[test]
    fn the_default_has_five_rounds_and_more_than_a_thousand_pings_in_each_act() {
        let plan = plan(20, 200);
        assert_eq!((plan.rounds, plan.act, plan.pings, plan.works), (5, Duration::from_secs(1), 220, 2));
        assert!(plan.rounds * plan.pings >= 1_000);
    }

    #[test]
    fn long_runs_have_more_rounds_and_short_ones_shorter_acts() {
        assert_eq!(plan(60, 200).rounds, 15);
        let short = plan(6, 200);
        assert_eq!((short.rounds, short.act), (3, Duration::from_millis(500)));
        let tiny = plan(1, 200);
        assert_eq!((tiny.rounds, tiny.act, tiny.works), (1, Duration::from_millis(500), 1));
    }

    #[test]
    fn the_loop_is_blocked_for_two_fifths_whatever_the_block() {
        for block_ms in [5, 20, 50, 200, 1_000, 3_000] {
            let plan = plan(20, block_ms);
            let share = plan.works as f64 * block_ms as f64 / 1e3 / plan.act.as_secs_f64();
            assert!((0.3..=0.5).contains(&share), "{block_ms} ms: {share}");
        }
    }

    #[test]
    fn every_act_is_played_once_in_a_round_in_an_order_of_the_seed() {
        let plan = plan(60, 200);
        let orders: Vec<[Act; 4]> = (0..plan.rounds).map(|round| plan.order(round)).collect();
        for order in &orders {
            let mut sorted = *order;
            sorted.sort_unstable();
            assert_eq!(sorted, Act::ALL);
        }
        assert!(orders.iter().any(|order| order != &orders[0]), "{orders:?}");
        assert_eq!(plan.order(3), plan.order(3));
        let other = Plan { seed: 8, ..plan };
        assert!((0..15).any(|round| other.order(round) != orders[round]));
    }

    #[test]
    fn the_acts_of_a_round_differ_in_the_route_only() {
        let plan = plan(20, 200);
        assert_eq!(plan.streams(Act::Idle), plan.streams(Act::Inline)[..1]);
        let heavy: Vec<String> = Act::ALL[1..]
            .iter()
            .map(|&act| format!("{} x{}", plan.streams(act)[1].path, plan.streams(act)[1].count))
            .collect();
        assert_eq!(heavy, ["/block?ms=200 x2", "/offload?ms=200 x2", "/chunked?ms=200 x2"]);
    }
}
