//! How long a look at a large workspace takes: `cargo test -p oriel-gateway measure -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

#[test]
#[ignore = "it measures and checks nothing"]
fn measure_a_large_workspace() {
    let house = House::new();
    for nth in 0..48_000 {
        house.write(&format!("{}/{}/{nth}.rs", nth / 2_000, nth / 40), "fn main() {}");
    }
    let mut tracker = Tracker::new(Arc::clone(&house.workspace), house.blobs(), []);
    let mut at = Instant::now();
    let mut lap = |what: &str| {
        println!("{what}: {:?}", at.elapsed());
        at = Instant::now();
    };
    tracker.begin(now());
    lap("begin");
    tracker.after_tool(&[], now() + Duration::from_secs(3));
    lap("nothing changed");
    for nth in 0..1_000 {
        house.write(&format!("new/{nth}"), format!("{nth}").repeat(2_000));
    }
    lap("written");
    assert_eq!(tracker.end(now()).changes.len(), 1_000);
    lap("a thousand changes");
    house.workspace.list("", 8, LISTED_MAX).unwrap();
    lap("listed");
}
