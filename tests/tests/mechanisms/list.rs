//! Which mechanisms there are, against the list that this project set itself, and what C_GetMechanismInfo says of each.

use std::collections::BTreeSet;
use std::ptr::null_mut;

use tests::{Rv, Scene, ids::*, names, raw};
use tokenkeep::mechanism;

/// Name, tier (core, full, or ours where no peer has it), and whether SoftHSM and kryoptic have it.
const LIST: &str = include_str!("../../../conformance/mechanisms.csv");

fn offered(scene: &Scene) -> Vec<CK_MECHANISM_TYPE> {
    let (c, slot, mut count) = (scene.library.c(), scene.slot, 0);
    assert_eq!(raw!(c, C_GetMechanismList(slot, null_mut(), &mut count)), Rv::Ok);
    let mut list = vec![0; count as usize];
    assert_eq!(raw!(c, C_GetMechanismList(slot, list.as_mut_ptr(), &mut count)), Rv::Ok);
    list
}

#[test]
fn the_list_is_the_one_this_project_set_itself() {
    let listed: BTreeSet<String> =
        LIST.lines().skip(1).filter_map(|line| line.split(',').next()).map(str::to_owned).collect();
    let ours: BTreeSet<String> =
        offered(&Scene::closed()).into_iter().map(|id| names::mechanism(id).into_owned()).collect();
    let missing: Vec<_> = listed.difference(&ours).collect();
    let extra: Vec<_> = ours.difference(&listed).collect();
    assert!(missing.is_empty(), "of conformance/mechanisms.csv are missing: {missing:?}");
    assert!(extra.is_empty(), "not in conformance/mechanisms.csv: {extra:?}");
    assert!(ours.len() > 220, "{}", ours.len());
}

#[test]
fn info_is_what_the_row_says_and_every_row_can_do_something() {
    let scene = Scene::closed();
    for id in offered(&scene) {
        let mut info = CK_MECHANISM_INFO::default();
        assert_eq!(raw!(scene.library.c(), C_GetMechanismInfo(scene.slot, id, &mut info)), Rv::Ok);
        let (row, name) = (mechanism::find(id).expect("a row"), names::mechanism(id));
        let said = (info.ulMinKeySize, info.ulMaxKeySize, info.flags);
        assert_eq!(said, (row.sizes.0, row.sizes.1, row.offers()), "{name}");
        let uses = CKF_ENCRYPT | CKF_DECRYPT | CKF_DIGEST | CKF_SIGN | CKF_VERIFY | CKF_WRAP | CKF_UNWRAP;
        let makes = CKF_GENERATE | CKF_GENERATE_KEY_PAIR | CKF_DERIVE | CKF_ENCAPSULATE;
        assert_ne!(info.flags & (uses | makes), 0, "{name} does nothing");
        assert!(info.ulMinKeySize <= info.ulMaxKeySize, "{name}");
        // A half of a mechanism is dropped by Java.
        for (one, other) in [
            (CKF_ENCRYPT, CKF_DECRYPT),
            (CKF_SIGN, CKF_VERIFY),
            (CKF_WRAP, CKF_UNWRAP),
            (CKF_ENCAPSULATE, CKF_DECAPSULATE),
        ] {
            assert_eq!(info.flags & one != 0, info.flags & other != 0, "{name}");
        }
    }
}

#[test]
fn a_mechanism_that_is_not_in_the_list_has_no_info() {
    let scene = Scene::closed();
    let (offered, mut info) = (offered(&scene), CK_MECHANISM_INFO::default());
    for (id, name) in names::MECHANISMS.iter().filter(|(id, _)| !offered.contains(id)) {
        let rv = raw!(scene.library.c(), C_GetMechanismInfo(scene.slot, *id, &mut info));
        assert_eq!(rv, Rv::MechanismInvalid, "{name}");
    }
}
