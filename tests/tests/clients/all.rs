//! For every client.

use tests::{Home, Library, Scene, ids::*, keys, template};

#[test]
fn slot_numbers_fit_31_bits() {
    let scene = Scene::closed();
    assert!(scene.library.slots(false).expect("C_GetSlotList").iter().all(|slot| *slot < 1 << 31));
}

#[test]
fn the_list_of_slots_never_shrinks() {
    let scene = Scene::closed();
    let before = scene.library.slots(false).expect("C_GetSlotList");
    for file in std::fs::read_dir(scene.library.home().path()).expect("the directory").flatten() {
        std::fs::remove_file(file.path()).expect("remove the token");
    }
    let after = scene.library.slots(false).expect("C_GetSlotList");
    assert!(before.iter().all(|slot| after.contains(slot)), "{before:?}, then {after:?}");
    assert!(
        !scene.library.slots(true).expect("C_GetSlotList").contains(&scene.slot),
        "but its token is gone"
    );
}

#[test]
fn settings_that_nobody_knows_are_passed_over_and_written_to_the_trace() {
    let home = Home::new();
    let trace = home.path().with_file_name("trace");
    let string = format!("trace={} configdir='sql:/x' flags=readOnly", trace.display());
    drop(Library::on(&home.with(&string)));
    let text = std::fs::read_to_string(trace).expect("the trace");
    assert!(text.contains("configdir") && text.contains("flags"), "{text}");
    assert!(!text.contains("kdf_iterations"), "a setting of ours: {text}");
}

#[test]
fn an_ec_point_may_come_as_a_bit_string_and_a_curve_by_its_name() {
    let scene = Scene::new();
    let session = scene.session();
    let point = keys::hex(keys::EC_Q);
    let octets = [&[0x04, 0x41][..], &point].concat();
    for given in [point.clone(), octets.clone(), [&[0x03, 0x42, 0x00][..], &point].concat()] {
        let key = scene.object(&keys::ec_public().with(CKA_EC_POINT, given));
        assert_eq!(session.get(key, CKA_EC_POINT), Ok(octets.clone()));
    }
    let named = template![CKA_EC_PARAMS => b"\x13\x0aprime256v1", CKA_TOKEN => false];
    session.generate_pair(CKM_EC_KEY_PAIR_GEN, &named, &template![CKA_TOKEN => false]).expect("by its name");
}

#[test]
fn c_seed_random_is_well() {
    let scene = Scene::closed();
    assert_eq!(scene.open().seed(b"some seed"), Ok(()));
}
