//! Every step of a build that changes the disk, made to fail: the old generation or the new one is
//! there afterwards, whole.

use std::fs;
use std::io::ErrorKind;

use super::super::Outcome;
use super::super::faults::{Fault, steps_of};
use super::{Fixture, HashingEmbedder, OneThread};

const OLD: &str = "# Keys\n\nRotate a key every ninety days.\n";
const NEW: &str = "# Keys\n\nRotate a key every week.\n";

/// The texts of the two generations.
fn old_and_new() -> [Vec<String>; 2] {
    let pages = |keys: &str| vec![keys.split("\n\n").nth(1).unwrap().trim().to_owned(), "Two.".to_owned()];
    [pages(OLD), pages(NEW)]
}

fn built() -> Fixture {
    let fixture = on_one_thread(&[("a.md", OLD), ("b.md", "# B\n\nTwo.\n")]);
    fixture.build().unwrap();
    fixture.write("a.md", NEW);
    fixture
}

fn on_one_thread(files: &[(&str, &str)]) -> Fixture {
    Fixture { embedder: Box::new(OneThread(HashingEmbedder::default())), ..Fixture::new(files) }
}

fn steps_of_an_update() -> usize {
    let fixture = built();
    let (report, steps) = steps_of(None, || fixture.build());
    assert!(matches!(report.unwrap().outcome, Outcome::Built { embedded: 1, reused: 1 }));
    assert_eq!(fixture.texts(), old_and_new()[1]);
    // Five files of at least four steps each, spools (of little texts too, in tests), the manifest's four,
    // folders made and synced, one removed.
    assert!(steps > 45, "{steps} steps");
    steps
}

/// A build that fails at a step leaves the old generation or the new one, and the next build mends.
fn every_step_with(fault: Fault) {
    let [old, new] = old_and_new();
    let (mut kept, mut moved_on) = (0, 0);
    for step in 0..steps_of_an_update() {
        let fixture = built();
        let (report, _) = steps_of(Some((step, fault)), || fixture.build());
        let texts = fixture.texts();
        match report {
            Ok(_) => assert_eq!(texts, new, "step {step}"),
            Err(_) => assert!(texts == old || texts == new, "step {step}: {texts:?}"),
        }
        if texts == old {
            kept += 1;
        } else {
            moved_on += 1;
        }
        fixture.build().unwrap();
        assert_eq!(fixture.texts(), new, "step {step}");
        assert_eq!(fixture.generations(), 1, "step {step}: leftovers stay");
        let left: Vec<_> = fs::read_dir(fixture.index.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with(".tmp"))
            .collect();
        assert!(left.is_empty(), "step {step}: {left:?}");
    }
    assert!(kept > 20 && moved_on > 0, "{kept} kept, {moved_on} moved on");
}

#[test]
fn a_process_that_dies_at_any_step() {
    every_step_with(Fault::Crash);
}

#[test]
fn a_disk_that_is_full_at_any_step() {
    every_step_with(Fault::Once(ErrorKind::StorageFull));
}

#[test]
fn a_device_that_fails_at_any_step() {
    every_step_with(Fault::Once(ErrorKind::Other));
}

/// The very first build has nothing to fall back to: there is an index afterwards, or none.
#[test]
fn a_first_build_that_dies_at_any_step() {
    let new = || on_one_thread(&[("a.md", NEW), ("b.md", "# B\n\nTwo.\n")]);
    let fixture = new();
    let (_, steps) = steps_of(None, || fixture.build().unwrap());
    for step in 0..steps {
        let fixture = new();
        let (_, _) = steps_of(Some((step, Fault::Crash)), || fixture.build());
        match super::Index::open_whole(fixture.index.path()) {
            Ok(_) => assert_eq!(fixture.texts(), old_and_new()[1], "step {step}"),
            Err(super::super::OpenError::Missing { .. }) => {}
            Err(error) => panic!("step {step}: {error}"),
        }
        fixture.build().unwrap();
        assert_eq!(fixture.texts(), old_and_new()[1], "step {step}");
        assert_eq!(fixture.generations(), 1, "step {step}");
    }
}
