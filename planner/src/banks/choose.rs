//! Banks for the residencies of a plan, with few bank conflicts.
//!
//! Local search by minimum conflicts (Minton et al. 1992) with a tabu list (Glover 1989): one of two operands in conflict
//! goes to the bank where it has the fewest conflicts, if that has a hole; otherwise up to three other blocks make space, or
//! the bank is packed again. With the feature `ilp`, `ilp/banks.rs` follows where conflicts are left.

use super::blocks::Blocks;
use super::reads::Together;
use crate::pack::random::Random;
use crate::{Deadline, Plan, Problem};

/// It ends after so many pairs without a better plan, and after so many in any case.
const PATIENCE: usize = 1_000;
const MOST_PAIRS: usize = 20_000;

/// For how many pairs a block does not go back to a bank.
const TENURE: usize = 8;

/// How often banks are packed anew.
const MOST_PACKED: usize = 32;

/// Conflicts that a change may add.
const SLACK: u64 = 1;

/// A plan of the same order and residencies, and how many conflicts it has.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub plan: Plan,
    pub conflicts: u64,
}

/// What is asked: banks for a plan that the judge accepts.
pub(super) struct Question<'a> {
    pub problem: &'a Problem,
    pub plan: &'a Plan,
    pub together: &'a [Together],
    /// Residencies that lie at one offset, whatever else is changed.
    pub tied: &'a [(usize, usize)],
    /// With so few conflicts nothing better is looked for.
    pub enough: u64,
}

impl Question<'_> {
    /// By local search.
    pub fn search(&self, deadline: Deadline) -> Chosen {
        let mut blocks = Blocks::new(self.problem, self.plan, self.together, self.tied);
        let (mut best, mut places) = (blocks.conflicts, blocks.places_of_all());
        let mut random = Random::new();
        // By block: the bank that it left, and until when it does not go back.
        let mut tabu: Vec<(usize, usize)> = vec![(usize::MAX, 0); blocks.list.len()];
        let (mut idle, mut n_packed) = (0, 0);
        for nth in 0..MOST_PAIRS {
            if best <= self.enough || PATIENCE <= idle || deadline.has_passed() {
                break;
            }
            let Some((one, other)) = any_conflict(&blocks, self.together, &mut random) else { break };
            idle += 1;
            let mut ways: Vec<(u64, usize, usize)> = Vec::new();
            for block in [one, other] {
                let banks = blocks.banks_for(block, &mut random);
                let now = banks.iter().find(|it| Some(it.1) == blocks.list[block].bank).map_or(0, |it| it.0);
                let others = banks.into_iter().filter(|it| Some(it.1) != blocks.list[block].bank);
                // Counted from below, so that it is no less than zero.
                ways.extend(others.map(|(then, bank)| (blocks.conflicts + then - now, block, bank)));
            }
            ways.sort_by_key(|it| it.0);
            ways.retain(|(then, block, bank)| {
                let (left, until) = tabu[*block];
                let is_tabu = left == *bank && nth < until;
                *then < best || *then <= blocks.conflicts + SLACK && !is_tabu
            });
            let most = blocks.conflicts + SLACK;
            let from = |blocks: &Blocks, block: usize| blocks.list[block].bank.unwrap_or(usize::MAX);
            let mut moved = None;
            for &(_, block, bank) in &ways {
                let left = from(&blocks, block);
                if blocks.shift(block, bank) || blocks.push_in(block, bank, most, &mut random) {
                    moved = Some((block, left));
                    break;
                }
            }
            if moved.is_none() && n_packed < MOST_PACKED {
                let now = blocks.conflicts;
                for &(then, block, bank) in ways.iter().filter(|it| it.0 < now) {
                    n_packed += 1;
                    let left = from(&blocks, block);
                    if blocks.pack_in(block, bank, deadline) {
                        debug_assert_eq!(blocks.conflicts, then);
                        moved = Some((block, left));
                        break;
                    }
                }
            }
            if let Some((block, left)) = moved {
                tabu[block] = (left, nth + TENURE);
            }
            if blocks.conflicts < best {
                (best, places, idle) = (blocks.conflicts, blocks.places_of_all(), 0);
            }
        }
        Chosen { plan: blocks.plan_at(&places), conflicts: best }
    }
}

/// One of the pairs that lie in one bank.
fn any_conflict(blocks: &Blocks, together: &[Together], random: &mut Random) -> Option<(usize, usize)> {
    let from = random.below(together.len().max(1) as u64) as usize;
    together[from..].iter().chain(&together[..from]).find_map(|it| blocks.in_conflict(it))
}
