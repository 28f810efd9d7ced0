"""What silently hurts a package of Plakar's, and the test that shows that it does not hurt ours. Those that
are shown nowhere else are shown here.
"""

import re

import pytest

from pgcask_testing import paths
from pgcask_testing.plakar import plakar, plakar_package  # noqa: F401

ONE = pytest.mark.majors(17)
TRAPS = {
    # Processes
    "a child holds the pipe, and Plakar waits for it for ever": [
        "test_plakar_protocol.py::test_the_host_sees_that_a_killed_plugin_is_gone",
        "test_plakar_protocol.py::test_descriptors_0_and_1_are_out_of_reach"],
    "no SETTINGS for 20 seconds": [
        "test_plakar_protocol.py::test_settings_come_first_and_unasked"],
    "the pipe is closed, and the program goes on": [
        "test_plakar_protocol.py::test_what_is_closed_waits_for_its_host_to_go",
        "test_plakar_exporter.py::test_a_restore_that_is_given_up_leaves_no_session"],
    # Messages
    "a byte that is not UTF-8 ends the stream": [
        "plakar/test_record_message.c::a_name_that_is_not_utf8_is_refused_by_name",
        "plakar/test_grpc.c::messages_are_one_line_of_encoded_utf8",
        "test_manifest_faults.py::test_names_in_other_encodings"],
    "the kind of an attribute is another number than it is called": [
        "plakar/test_export_message.c::an_attribute_is_no_file",  # we send none
        "plakar/test_export_queue.c::an_attribute_is_no_file_and_its_content_nobodys"],
    "an empty chunk is an error in one direction, and the end of a file in the other": [
        "test_plakar_protocol.py::test_a_backup_by_hand",  # Client.take() refuses one
        "plakar/test_export_message.c::the_empty_chunk_is_there_although_it_is_empty"],
    "a result without its record ends Plakar": [
        "plakar/test_export_message.c::a_result_has_the_records_bytes_as_they_came",
        "test_plakar_exporter.py::test_a_host_that_reads_until_the_trailers_hears_of_every_record"],
    # Backups
    "Import ends before the last acknowledgement": [
        "plakar/test_importer.c::finished_is_withheld_until_all_is_acknowledged",
        "test_plakar_protocol.py::test_a_backup_by_hand",
        "test_plakar_protocol.py::test_an_acknowledgement_before_reading_fails_the_backup"],
    "what is cut off is stored as if it were whole": [
        "test_plakar_logical.py::test_a_dump_that_fails_fails_the_backup",
        "test_plakar.py::test_a_server_that_goes_away_fails_the_backup"],
    "status 0, and an archive is missing": [
        "test_plakar_logical.py::test_a_dump_that_fails_fails_the_backup",
        "test_plakar_logical.py::"
        "test_a_logical_record_that_is_left_out_fails_the_backup_and_says_why"],
    "errors in a folder that was not announced do not count": [
        "test_plakar_protocol.py::test_a_backup_by_hand"],
    "of several sources all but one are dropped": [
        "test_plakar.py::test_snapshots_of_two_clusters_are_apart",
        "test_plakar_sources.py::test_databases_of_one_server_keep_their_own_snapshots"],
    "a file of the same metadata is taken from the last snapshot, whatever is in it": [
        "test_plakar.py::test_a_page_that_changed_behind_the_same_size_and_second_is_backed_up",
        "test_plakar_stores.py::test_a_second_snapshot_stores_what_has_changed"],
    "files that say that they have several names become one": [
        "plakar/test_record_message.c::a_file_has_its_metadata_and_the_backups_own_numbers"],
    "what has the store's own path is left out": [
        "test_plakar.py::test_a_store_in_the_way_of_records_fails_the_backup"],
    "the command line is kept in the snapshot": [
        "test_plakar_traps.py::test_a_password_of_a_source_is_in_no_snapshot"],
    # Restores
    "the end of the stream is no end of a file": [
        "test_plakar_exporter.py::test_a_stream_that_ends_within_a_file_is_an_error"],
    "entries that cannot be read are left out without a word": [
        "test_plakar_exporter.py::test_an_entry_that_does_not_come_is_an_error_by_name",
        "test_plakar_operator.py::test_a_damaged_store_leaves_the_old_database_or_none"],
    "what failed last is not shown, and takes nothing from status 0": [
        "test_plakar_exporter.py::test_what_failed_is_told_of_its_record_and_at_the_end"],
    "an early end, with OK, hides what was still to come": [
        "test_plakar_exporter.py::test_a_host_that_reads_until_the_trailers_hears_of_every_record",
        "test_plakar_exporter.py::test_what_makes_no_sense_is_told_at_the_end"],
    "records come in another order": [
        "test_plakar_exporter.py::test_a_host_that_reads_until_the_trailers_hears_of_every_record",
        "test_plakar_exporter.py::test_what_comes_in_a_usable_order_is_not_kept"],
    "a database's name from a file's name is a connection string": [
        "test_plakar_restore.py::test_a_name_that_is_hard_on_everything_comes_back"],
}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_has_its_test(trap):
    for name in TRAPS[trap]:
        file, _, function = name.partition("::")
        folder = "unit" if file.endswith(".c") else "integration"
        text = (paths.REPO / "tests" / folder / file).read_text()
        begins = rf"(?m)^(def|static void) {function}\("
        assert re.search(begins, text), name
        if file.endswith(".c"):
            assert re.search(rf"cmocka_unit_test\w*\(\s*{function}\b", text), name


@ONE
def test_a_password_of_a_source_is_in_no_snapshot(plakar, shared_server, workdir, major):
    """Unlike one on the command line, which Plakar keeps with the snapshot."""
    secret = "s3cret-of-this-source"
    uri = shared_server.uri("postgres")
    plakar.run("source", "add", "pg", uri, f"password={secret}", "layout=numbered").check()
    result = plakar.backup("@pg").check()
    (snapshot,) = plakar.snapshots()
    told = plakar.on_store("info", snapshot).check().stdout
    assert "CommandLine" in told and secret not in told + result.stdout + result.stderr
    tree = plakar.restore(workdir / "tree", snapshot)
    assert not [path for path in tree.rglob("*") if path.is_file()
                and secret.encode() in path.read_bytes()]
    assert secret in (plakar.home / ".config/plakar/sources.yml").read_text()
