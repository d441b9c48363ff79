//! Many at once: threads, vaults, processes, and the search at size.

use std::sync::Barrier;
use std::thread;

use super::*;

#[test]
fn eight_vaults_write_one_file_at_the_same_time() {
    let scene = Scene::new();
    let (path, start) = (scene.path(), Barrier::new(8));
    thread::scope(|scope| {
        for n in 0..8 {
            let (path, start) = (&path, &start);
            scope.spawn(move || {
                let vault = Vault::open(path).unwrap();
                let keys = vault.unlock(USER, &pin("648219")).unwrap();
                start.wait();
                for m in 0..10 {
                    let text = format!("{n}.{m}");
                    let handle =
                        vault.put(Some(&keys), &[record(m % 2 == 0, &text, &["all", &text])], &fill).unwrap();
                    assert_eq!(found_rows(vault.find(Some(&keys), &index(&[&text])).unwrap()), handle);
                }
            });
        }
    });
    assert_eq!(found_rows(scene.vault.find(Some(&scene.keys), &index(&["all"])).unwrap()).len(), 80);
    let report = scene.vault.verify(Some(&scene.keys)).unwrap();
    assert!(report.is_sound() && report.rows == 80, "{report:?}");
}

#[test]
fn threads_share_a_vault() {
    let scene = Scene::new();
    let handle = scene.put(true, "x", &["a"]);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert!(scene.text(handle).unwrap().is_some());
                    scene.put(false, "y", &["b"]);
                }
            });
        }
    });
    assert_eq!(found_rows(scene.vault.find(None, &index(&["b"])).unwrap()).len(), 160);
}

#[test]
fn parallel_guesses_get_no_more_tries_than_the_counter_has() {
    let scene = Scene::new();
    let (path, start) = (scene.path(), Barrier::new(8));
    let tried: usize = thread::scope(|scope| {
        let guess = |n: usize| {
            let vault = Vault::open(&path).unwrap();
            start.wait();
            usize::from(rv(vault.unlock(USER, &pin(&format!("{n:04}")))) == Rv::PinIncorrect)
        };
        let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || guess(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(tried, 3);
    assert_eq!(rv(scene.vault.unlock(USER, &pin("648219"))), Rv::PinLocked);
}

#[test]
fn another_vault_sees_the_change_and_what_it_was() {
    let scene = Scene::new();
    let other = Vault::open(&scene.path()).unwrap();
    let before = other.freshness().unwrap();
    assert_eq!(other.freshness().unwrap(), before);
    let handle = scene.put(false, "x", &["a"]);
    assert_ne!(other.freshness().unwrap(), before);
    assert_eq!(other.head(handle).unwrap(), Some((1, false)));
    assert_eq!(found_rows(other.find(None, &index(&["a"])).unwrap()), [handle]);
}

#[test]
fn a_token_initialised_by_another_process_is_found_again() {
    let scene = Scene::new();
    let other = Vault::open(&scene.path()).unwrap();
    scene.vault.reset(&pin("87654321"), &[b' '; 32], &fill).unwrap();
    let handle = scene.vault.put(None, &[record(false, "x", &["a"])], &fill).unwrap()[0];
    assert_eq!(found_rows(other.find(None, &index(&["a"])).unwrap()), [handle]);
    assert!(other.load(None, handle).unwrap().is_some());
    assert!(other.unlock(SO, &pin("87654321")).is_ok());
}

#[test]
fn a_search_never_walks_through_a_table() {
    let scene = Scene::new();
    let connection = rusqlite::Connection::open(scene.path()).unwrap();
    for tags in 0..6 {
        let sql = rows::find_sql(tags);
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = rusqlite::params_from_iter((0..tags.max(1)).map(|_| 0));
        let steps: Vec<String> =
            plan.query_map(values, |line| line.get(3)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
        for step in &steps {
            let subquery = step.contains("SUBQUERY");
            assert!(subquery || step.starts_with("SEARCH"), "{tags} tags: {steps:?}");
            assert!(subquery || step.contains("COVERING INDEX") || step.contains("PRIMARY KEY"), "{steps:?}");
        }
    }
    std::mem::forget(connection);
}
