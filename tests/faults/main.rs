//! Faults beneath `waves`: processes that are killed or stopped, disks that are full, directories that cannot be written, clocks
//! that go backwards. What is on the disk afterwards is what was there before, or all of what is new, and nothing else.

mod disks;
#[path = "../shared/killing.rs"]
mod killing;
mod kills;
mod limits;
mod signals;
#[path = "../cli/support.rs"]
#[expect(dead_code, reason = "the tests of the commands use the rest")]
mod support;
mod writers;
