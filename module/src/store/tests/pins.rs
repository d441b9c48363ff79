//! PINs: the counter is spent first, shared by everybody, and full again after a success.

use std::fs::File;
use std::process::Command;
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::Duration;

use super::*;

fn left(vault: &Vault, role: &str) -> u32 {
    vault.header().unwrap().pin(role).unwrap().tries_left
}

#[test]
fn a_pin_is_locked_after_its_tries_whoever_makes_them() {
    let scene = Scene::new();
    let other = Vault::open(&scene.path()).unwrap();
    assert_eq!(rv(scene.vault.unlock(USER, &pin("0000"))), Rv::PinIncorrect);
    assert_eq!(left(&other, USER), 2);
    assert_eq!(rv(other.unlock(USER, &pin("0001"))), Rv::PinIncorrect);
    assert_eq!(rv(scene.vault.unlock(USER, &pin("0002"))), Rv::PinIncorrect);
    for vault in [&scene.vault, &other] {
        assert_eq!(rv(vault.unlock(USER, &pin("648219"))), Rv::PinLocked);
        assert_eq!(left(vault, USER), 0);
    }
    assert_eq!(left(&other, SO), 3);
    let so = other.unlock(SO, &pin("12345678")).unwrap();
    other.set_pin(&so, USER, &pin("648219"), None, &fill).unwrap();
    assert_eq!(left(&scene.vault, USER), 3);
    scene.vault.unlock(USER, &pin("648219")).unwrap();
}

#[test]
fn a_success_gives_all_tries_back() {
    let scene = Scene::new();
    assert_eq!(rv(scene.vault.unlock(USER, &pin("0000"))), Rv::PinIncorrect);
    assert_eq!(rv(scene.vault.unlock(USER, &pin("0000"))), Rv::PinIncorrect);
    scene.vault.unlock(USER, &pin("648219")).unwrap();
    assert_eq!(left(&scene.vault, USER), 3);
}

#[test]
fn a_crash_in_the_kdf_has_spent_the_try() {
    let scene = Scene::new();
    for tries_left in [2, 1, 0, 0] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::pins::crash", "--ignored"])
            .env("TOKENKEEP_TEST_FILE", scene.path())
            .output();
        assert!(!child.unwrap().status.success());
        assert_eq!(left(&scene.vault, USER), tries_left);
    }
    assert_eq!(rv(scene.vault.unlock(USER, &pin("648219"))), Rv::PinLocked);
}

/// Runs in a process of its own, and dies between the debit and the KDF.
#[test]
#[ignore = "run by a_crash_in_the_kdf_has_spent_the_try"]
fn crash() {
    let path: PathBuf = std::env::var_os("TOKENKEEP_TEST_FILE").unwrap().into();
    let _ = Vault::open(&path).unwrap().store().debit(USER);
    std::process::abort();
}

#[test]
fn who_waits_for_a_turn_gives_up_in_the_end_and_has_it_when_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let turn = |patience| gate::turn(Some(dir.path()), Duration::from_millis(patience));
    let other = File::open(dir.path()).unwrap();
    other.lock().unwrap();
    let error = turn(5).err().unwrap();
    assert_eq!(error.rv(), Rv::FunctionFailed);
    assert!(error.why().contains("another process kept trying a PIN"), "{error}");
    thread::scope(|scope| {
        let waits = scope.spawn(|| turn(60_000).map(drop));
        drop(other);
        assert_eq!(waits.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_fork_does_not_wait_for_who_waits_for_a_turn() {
    let dir = tempfile::tempdir().unwrap();
    let other = File::open(dir.path()).unwrap();
    other.lock().unwrap();
    let (begun, forked) = (Barrier::new(2), mpsc::channel());
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            begun.wait();
            gate::turn(Some(dir.path()), Duration::from_secs(60)).map(drop)
        });
        scope.spawn(|| {
            begun.wait();
            // One after the other, so that some of them are while it waits.
            for _ in 0..1000 {
                drop(gate::close());
                thread::yield_now();
            }
            forked.0.send(()).unwrap();
        });
        let told = forked.1.recv_timeout(Duration::from_secs(30));
        drop(other);
        assert_eq!(told, Ok(()), "a fork waited");
        assert_eq!(waits.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_role_without_a_pin_is_told_apart() {
    let scene = Scene::new();
    assert_eq!(rv(scene.vault.unlock("alice", &pin("1234"))), Rv::UserPinNotInitialized);
    scene.vault.set_pin(&scene.keys, "alice", &pin("1234"), Some(9), &fill).unwrap();
    let alice = scene.vault.unlock("alice", &pin("1234")).unwrap();
    let handle = scene.put(true, "shared", &[]);
    assert!(scene.vault.load(Some(&alice), handle).unwrap().is_some());
    assert_eq!(left(&scene.vault, "alice"), 9);
}

#[test]
fn a_changed_pin_gets_no_credit_from_the_old_one() {
    let scene = Scene::new();
    let lock = scene.vault.store().debit(USER).unwrap();
    scene.vault.set_pin(&scene.keys, USER, &pin("7777"), None, &fill).unwrap();
    assert_eq!(rv(scene.vault.unlock(USER, &pin("0000"))), Rv::PinIncorrect);
    scene.vault.store().credit(USER, &lock).unwrap();
    assert_eq!(left(&scene.vault, USER), 2);
}

#[test]
fn a_pin_to_be_changed_is_marked_until_it_is() {
    let scene = Scene::new();
    let store = scene.vault.store();
    store.expire_pin(USER, true).unwrap();
    assert!(scene.vault.header().unwrap().pin(USER).unwrap().to_be_changed);
    scene.vault.set_pin(&scene.keys, USER, &pin("7777"), None, &fill).unwrap();
    assert!(!scene.vault.header().unwrap().pin(USER).unwrap().to_be_changed);
    assert_eq!(rv(store.expire_pin("nobody", true)), Rv::UserPinNotInitialized);
}

#[test]
fn iterations_lowered_in_the_file_do_not_weaken_the_next_pin() {
    let scene = Scene::new();
    scene.outside("UPDATE token SET kdf_iterations=1");
    scene.vault.set_pin(&scene.keys, USER, &pin("7777"), None, &fill).unwrap();
    assert_eq!(scene.vault.store().debit(USER).unwrap().iterations, 10);
}

#[test]
fn impossible_iterations_are_refused_and_not_computed() {
    let scene = Scene::new();
    for iterations in ["4294967295", "0", "100000001"] {
        scene.outside(&format!("UPDATE pin SET iterations={iterations}, tries_left=3"));
        assert_eq!(rv(scene.vault.unlock(USER, &pin("648219"))), Rv::DeviceError);
    }
    scene.outside("UPDATE pin SET iterations=-1");
    assert_eq!(rv(scene.vault.unlock(USER, &pin("648219"))), Rv::DeviceError);
}

#[test]
fn locks_cannot_be_moved_between_roles_tokens_or_generations() {
    let scene = Scene::new();
    scene.outside("UPDATE pin SET (salt, wrapped)=(SELECT salt, wrapped FROM pin WHERE role='user')");
    assert_eq!(rv(scene.vault.unlock(SO, &pin("648219"))), Rv::PinIncorrect);
    scene.outside("UPDATE token SET serial='0123456789ABCDEF'");
    assert_eq!(rv(scene.vault.unlock(USER, &pin("648219"))), Rv::PinIncorrect);
    let scene = Scene::new();
    scene.outside("UPDATE token SET generation=2");
    assert_eq!(rv(scene.vault.unlock(USER, &pin("648219"))), Rv::PinIncorrect);
}
