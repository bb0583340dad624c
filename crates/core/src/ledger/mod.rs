//! The ledger of major waves: what was decided and what was built, and where that leaves each wave.
//!
//! A ledger is a file to which lines are only added: [`Writer`] adds them, [`Ledger`] reads them. It holds decisions and
//! results, never a status: [`WaveStatus`] is derived from them each time, and counts only results of the very derivations of
//! the evaluation at hand.
//!
//! | question | asked of |
//! |---|---|
//! | what do these files say was built? | [`Results`], and [`match_results`] in an evaluation |
//! | where does a wave stand, and what failed first? | [`WaveStatus`] |
//! | how did it come about? | [`over_time`] |
//! | what built before it? | [`Baseline`] |
//! | what may be built now? | [`Next`] |
//! | may it be closed? | [`open_reasons`] |
//! | what is a package asked to support? | [`upstream`] |

mod baseline;
mod decide;
mod event;
mod file;
mod git;
mod heard;
mod matching;
mod name;
mod next;
mod request;
mod results;
mod status;

pub use baseline::{Baseline, Class};
pub use decide::{MAX_RETRIES, open_reasons, retry};
pub use event::{Entry, Event, Outcome, Record, RecordedFor, Retry, Start, TagEvent, Until, Waiver, WaiverKind};
pub use file::{FILE_NAME, FORMAT_VERSION, Ledger, Writer};
pub use git::{NewTag, TagRepository, Tagged, Tagger, remote_has_tag};
#[cfg(feature = "html")]
pub(crate) use matching::ByPath;
pub use matching::{Matched, match_results};
pub use name::WaveName;
pub use next::Next;
pub use request::{Upstream, upstream};
pub use results::{ResultFormat, Results, Told};
pub use status::{
    AppliedWaiver, EvaluationFailure, Expectation, Moment, Question, RedRoot, ResultCounts, State, StateCounts, WaveStatus, over_time,
};
