//! What it costs: `cargo test --release -p tokenkeep store::tests::measure -- --ignored --nocapture`.

#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::time::Instant;

use super::*;

fn cost(what: &str, times: u32, mut work: impl FnMut(u32)) {
    let start = Instant::now();
    (0..times).for_each(&mut work);
    println!("{what:<44} {:>12.2?}", start.elapsed() / times);
}

#[test]
#[ignore = "a measurement"]
fn costs() {
    let scene = Scene::new();
    let (vault, keys) = (&scene.vault, Some(&scene.keys));
    let text = "x".repeat(1500);
    let batch: Vec<Record> = (0..10_000)
        .map(|n| {
            let own = format!("id {n}");
            record(
                n % 2 == 0,
                &text,
                &[&own, "class", "type", "label", if n % 2 == 0 { "key" } else { "cert" }],
            )
        })
        .collect();
    let mut handles = Vec::new();
    cost("put 10 000 objects of 1.5 kB in one batch", 1, |_| {
        handles = vault.put(keys, &batch, &fill).unwrap()
    });
    cost("freshness", 100_000, |_| assert!(vault.freshness().is_ok()));
    cost("head", 100_000, |n| assert!(vault.head(handles[n as usize % 10_000]).is_ok()));
    cost("load, private", 10_000, |n| drop(vault.load(keys, handles[(n as usize * 2) % 10_000]).unwrap()));
    cost("load, public and vouched", 10_000, |n| {
        drop(vault.load(keys, handles[(n as usize * 2 + 1) % 10_000]).unwrap())
    });
    cost("store.load", 10_000, |n| drop(vault.store().load(handles[n as usize]).unwrap()));
    cost("find by one string, 1 of 10 000", 10_000, |n| {
        assert_eq!(found_rows(vault.find(keys, &index(&[&format!("id {}", n % 10_000)])).unwrap()).len(), 1);
    });
    cost("find by three strings, 1 of 10 000", 10_000, |n| {
        let own = format!("id {}", n % 10_000);
        assert_eq!(found_rows(vault.find(keys, &index(&[&own, "class", "label"])).unwrap()).len(), 1);
    });
    cost("find by one string, 10 000 of 10 000", 10, |_| {
        drop(found_rows(vault.find(keys, &index(&["class"])).unwrap()))
    });
    cost("find all", 10, |_| drop(found_rows(vault.find(keys, &[]).unwrap())));
    cost("put one object", 200, |n| assert!(scene.put(true, &text, &["class", &format!("new {n}")]) > 0));
    cost("fsync of 8 kB appended", 200, append(&scene.dir.path().join("plain")));
    cost("unlock at 10 iterations", 100, |_| drop(vault.unlock(USER, &pin("648219")).unwrap()));
    cost("verify 10 200 objects", 1, |_| assert!(vault.verify(keys).unwrap().is_sound()));
    cost("open and close beside another", 50, |_| drop(Vault::open(&scene.path()).unwrap()));
    let mut slow = new_token();
    for iterations in [10_000, 600_000] {
        slow.kdf_iterations = iterations;
        let slow = Vault::create(&scene.dir.path().join(iterations.to_string()), &slow, &fill).unwrap();
        cost(&format!("unlock at {iterations} iterations"), 5, |_| {
            drop(slow.unlock(USER, &pin("648219")).unwrap())
        });
    }
    let path = scene.path();
    drop(scene.vault);
    cost("open and close alone", 50, |_| drop(Vault::open(&path).unwrap()));
    println!("size of the file: {} bytes", std::fs::metadata(&path).unwrap().len());
}

fn append(path: &Path) -> impl FnMut(u32) {
    let mut file = std::fs::File::create(path).unwrap();
    move |_| {
        std::io::Write::write_all(&mut file, &[0; 8192]).unwrap();
        file.sync_data().unwrap();
    }
}

#[test]
fn ten_thousand_objects_in_one_batch_are_quick() {
    let scene = Scene::new();
    let batch: Vec<Record> = (0..10_000).map(|n| record(true, "x", &["class", &format!("id {n}")])).collect();
    let start = Instant::now();
    let handles = scene.vault.put(Some(&scene.keys), &batch, &fill).unwrap();
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    assert_eq!(
        found_rows(scene.vault.find(Some(&scene.keys), &index(&["id 4711", "class"])).unwrap()),
        [handles[4711]]
    );
}
