//! Sessions, logins and tokens that end in the middle of things, through the safe interface and through C.

use tests::{Rv, Safe, Template, given, ids::*, template};
use tokenkeep::cryptoki::Secret;

fn data() -> Template {
    template![CKA_CLASS => CKO_DATA, CKA_TOKEN => false, CKA_PRIVATE => false, CKA_LABEL => "data"]
}

mod sessions {
    use super::*;

    #[test]
    fn a_call_whose_session_closes_makes_nothing_and_logs_nobody_in() {
        let safe = Safe::new();
        let slot = safe.call().info().expect("C_GetSessionInfo").slot;
        let call = safe.call();
        safe.module.close_session(safe.session).expect("C_CloseSession");
        let pin = Secret::from(&b"1234"[..]);
        assert_eq!(call.login(CKU_USER, Some(&pin)).unwrap_err().rv(), Rv::SessionClosed);
        assert_eq!(call.create(&given(&data())).unwrap_err().rv(), Rv::SessionClosed);
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        let next = safe.module.open_session(slot, flags).expect("C_OpenSession");
        let next = safe.module.session(next).expect("a call");
        assert_eq!(next.info().expect("C_GetSessionInfo").state, CKS_RW_PUBLIC_SESSION);
        next.find_init(&given(&data())).expect("C_FindObjectsInit");
        assert_eq!(next.find(9), Ok(vec![]));
    }
}
