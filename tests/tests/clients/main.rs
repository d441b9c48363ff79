//! What real clients expect of a token: one test for each behaviour, named for it. What another file tests already
//! is in this table; a test below reads it and looks for each of those tests in the sources.
//!
//! | expected by | what | test |
//! |---|---|---|
//! | all | C_GetFunctionList gives version 2.40 | border::the_plain_list_is_of_version_2_40_and_has_every_function |
//! | all | versions 3.0 and 3.2 come through C_GetInterface | border::each_version_is_given_when_it_is_asked_for |
//! | all | pReserved may be any string | border::a_string_where_reserved_is_may_say_what_it_likes |
//! | all | C_Finalize comes from exit handlers, twice | fork::finalising_in_exit_handlers_twice_does_not_crash |
//! | all | a forked child initialises and finds everything | fork::a_child_must_initialise_and_then_has_everything_while_the_parent_goes_on |
//! | all | slots keep their numbers, no spare one appears | slots::after_initialisation_the_slot_keeps_its_number_and_no_spare_one_appears |
//! | all | without a token there is one slot for C_InitToken | slots::with_no_token_there_is_one_slot_whose_token_is_not_initialised |
//! | all | serial numbers are unique | slots::tokens_have_serial_numbers_of_their_own |
//! | all | labels are padded, UTF-8 | slots::a_label_of_32_bytes_with_blanks_and_umlauts_comes_back |
//! | all | the flags of PINs are exact; FINAL_TRY is the last try | login::the_third_wrong_user_pin_locks_and_every_step_shows_in_the_flags |
//! | all | common attributes have their defaults | objects::every_common_attribute_has_a_default |
//! | all | keys may do what their type can | objects::keys_may_do_what_their_type_can_unless_told_otherwise |
//! | all | PINs of 4 to 32 characters | login::a_pin_has_4_to_255_bytes |
//! | all | five tokens at once | login::five_tokens_live_side_by_side_in_five_directories |
//! | all | C_InitToken again | login::initialising_again_wipes_the_objects_and_keeps_slot_and_serial_number |
//! | all | unknown classes are found nowhere | objects::a_class_that_nobody_knows_is_found_nowhere |
//! | all | CKA_ID and CKA_LABEL stay modifiable | objects::label_and_id_may_change_and_are_found_anew |
//! | all | CKA_EC_POINT is DER on output, raw or DER on input | objects::an_ec_point_is_accepted_raw_and_answered_in_der |
//! | all | points of Edwards keys are switchable | asymmetric::a_setting_gives_points_in_one_form_always |
//! | all | points of Edwards keys by function list | asymmetric::a_point_of_an_edwards_key_is_der_through_2_40_and_bare_through_3_2 |
//! | all | ECDH takes raw and DER points | independent::both_sides_derive_the_same_secret_from_a_raw_or_der_point |
//! | Java | `slot=0` and `slotListIndex=0` | slots::the_first_slot_is_slot_0 |
//! | Java | TLS keys are derived | derivation::four_keys_and_two_ivs_come_back_through_the_parameter |
//! | Java | digests and MACs are cloned by their state | state::what_is_saved_in_the_middle_goes_on_in_another_session_and_here |
//! | NSS | a profile says that certificates need no PIN | builtin::the_profiles_are_published_without_a_login |
//! | NSS | C_Finalize wakes C_WaitForSlotEvent | limits::who_waits_is_woken_by_c_finalize |
//! | NSS | malformed certificates are refused | objects::values_that_make_no_sense_are_invalid |
//! | NSS | RSA signatures for client authentication | independent::rsa_signatures_are_verified_by_another_implementation |
//! | NSS | ECDSA of a digest | independent::ecdsa_signatures_are_verified_by_another_implementation |
//! | libp11 | RSA decryption, OAEP | independent::what_the_token_encrypts_with_rsa_another_implementation_decrypts |
//! | pkcs11-provider | C_Finalize and C_Initialize in the child | fork::a_child_that_finalises_at_once_does_not_hurt_its_parent |
//! | OpenSSH | C_Initialize(NULL) | border::null_is_enough |
//! | OpenSSH | PIN codes are told apart | priority::a_locked_pin_comes_before_a_wrong_one_and_another_user_before_both |
//! | p11-kit | grandchildren initialise too | fork::grandchildren_are_children_too |
//! | p11-kit | label, manufacturer, model and serial for URIs | slots::a_slot_and_its_token_present_themselves_as_the_standard_wants |
//! | p11-kit | parameters are read as they are, plain data | operations::a_parameter_that_is_missing_or_wrong_is_named_so |
//! | profiles | the profiles are published | builtin::the_profiles_are_published_without_a_login |
//! | profiles | C_LoginUser without a name | users::without_a_name_it_is_c_login |
//! | profiles | C_LoginUser with a name | users::a_named_user_has_the_users_rights_and_a_pin_of_its_own |
//! | trap 1 | the first slot is 0 and stays so | slots::the_first_slot_is_slot_0 |
//! | trap 2 | no uninitialised slot beside a token | slots::after_initialisation_the_slot_keeps_its_number_and_no_spare_one_appears |
//! | trap 3 | no version asked is version 3.0 | border::an_interface_without_a_version_is_3_0 |
//! | trap 4 | threads initialise at once | border::of_many_threads_exactly_one_initialises |
//! | trap 6 | what another process makes is seen at once | objects::what_one_process_makes_changes_and_destroys_the_other_sees_at_once |
//! | trap 8 | usage is not given | objects::keys_may_do_what_their_type_can_unless_told_otherwise |
//! | trap 11 | hundreds of attributes at once | objects::many_attributes_at_once_are_judged_one_by_one |
//! | trap 13 | CKA_TRUSTED is the SO's | objects::only_the_so_makes_a_certificate_trusted |
//! | trap 17 | a buffer too small ends nothing | operations::the_length_may_be_asked_and_a_small_buffer_ends_nothing |
//!
//! The rest of trap 1 (`slot_0-label_x`, `0:0100`) and of trap 6 (homes and environments) is in `conformance/clients`.

mod all;
mod gskit;
mod java;
mod nss;
mod openssl;
mod signers;
mod traps;

use std::path::Path;

#[test]
fn every_test_of_the_table_is_in_the_sources() {
    let rows = include_str!("main.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    let tests: Vec<_> =
        rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next()?.split_once("::")).collect();
    assert!(tests.len() > 40, "{tests:?}");
    for (file, test) in tests {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file).with_extension("rs");
        let source = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let declared = source.split("#[test]").skip(1).any(|after| {
            let name = after.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            name == Some(test)
        });
        assert!(declared, "{} has no test {test}", path.display());
    }
}
