"""A scripted Plakar: speaks to `pgcask plakar` over two pipes, and does what plakar does not do on
demand. HTTP/2 is python3-h2's; protobuf is written by hand.
"""

import contextlib
import os
import select
import struct
import subprocess
import time
import urllib.parse

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from . import process

IMPORTER = "/importer.Importer/"
EXPORTER = "/plakar.exporter.Exporter/"


# ---- Protobuf


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, value):
    """A field: text, bytes, or an integer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(data):
    """{number: [values]} of a message; nested ones stay bytes."""
    found, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        else:
            assert key & 7 == 2
            length = number()
            value = data[at:at + length]
            at += length
        found.setdefault(key >> 3, []).append(value)
    return found


def init_request(scheme, config, excludes=(), concurrency=1):
    options = field(1, "testhost") + field(5, concurrency)
    for pattern in excludes:
        options += field(6, pattern)
    message = field(1, options) + field(2, scheme)
    for key, value in config.items():
        message += field(3, field(1, key) + field(2, str(value)))
    return message


# ---- The client


class Call:
    def __init__(self, stream):
        self.stream = stream
        self.data = bytearray()  # not yet taken; grows in place
        self.content = b""  # of an Open
        self.headers = {}
        self.ended = False
        self.reset = None

    @property
    def status(self):
        return self.headers.get("grpc-status")

    @property
    def message(self):
        return self.headers.get("grpc-message", "")


class Client:
    """Starts the program and shakes hands. window: of each stream; None gives credit by itself."""

    def __init__(self, program, window=None, start=True):
        in_read, self.to_plugin = os.pipe()
        self.from_plugin, out_write = os.pipe()
        self.process = subprocess.Popen(
            [program, "plakar"], stdin=in_read, stdout=out_write, stderr=subprocess.PIPE,
            env=process.clean_env(), start_new_session=True,
        )
        os.close(in_read)
        os.close(out_write)
        self.window = window
        self.calls = {}
        self.pongs = 0
        self.first_frame = None
        self.http = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        if start:
            if window is not None:
                self.http.local_settings = h2.settings.Settings(
                    client=True,
                    initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
            self.http.initiate_connection()
            self.http.increment_flow_control_window(2**30)
            self.flush()

    def flush(self):
        data = self.http.data_to_send()
        with contextlib.suppress(BrokenPipeError):  # it ends once it has answered Close
            while data:
                data = data[os.write(self.to_plugin, data):]

    def call(self, path, *messages, end=True):
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, [
            (":method", "POST"), (":scheme", "http"), (":path", path),
            (":authority", "127.0.0.1:0"), ("content-type", "application/grpc"),
            ("user-agent", "grpc-go/1.81.1"), ("te", "trailers"),
        ])
        self.calls[stream] = Call(stream)
        for message in messages:
            self.http.send_data(stream, struct.pack(">BI", 0, len(message)) + message)
        if end:
            self.http.end_stream(stream)
        self.flush()
        return self.calls[stream]

    def unary(self, path, message=b"", timeout=20):
        call = self.call(path, message)
        self.wait(lambda: call.ended, timeout)
        return call

    def init(self, server, config=None, **options):
        call = self.unary(IMPORTER + "Init", init_request(
            "postgres+bin", {"location": server.binary_uri(), **(config or {})}, **options))
        assert call.status == "0", call.message
        return call

    def begin_import(self):
        self.importing = self.call(IMPORTER + "Import", end=False)
        return self.importing

    def open(self, path):
        return self.call(IMPORTER + "Open", field(1, field(2, path)))

    def acknowledge(self, path):
        message = field(1, field(1, field(2, path)))
        self.http.send_data(self.importing.stream,
                            struct.pack(">BI", 0, len(message)) + message)
        self.flush()

    def next_record(self, timeout=20):
        """(path, is a regular file), "finished", or None at the stream's end."""
        call = self.importing

        def whole():
            return len(call.data) >= 5 and len(call.data) - 5 >= struct.unpack(
                ">I", call.data[1:5])[0]

        self.wait(lambda: whole() or call.ended, timeout)
        if not whole():
            return None
        length = struct.unpack(">I", call.data[1:5])[0]
        message, call.data = fields(call.data[5:5 + length]), call.data[5 + length:]
        if 2 in message:
            return "finished"
        record = fields(message[1][0])
        return record[2][0].decode(), 1 in record

    def take(self, path):
        """Reads a record to its end and acknowledges it; its content."""
        call = self.open(path)
        self.wait(lambda: call.ended, 60)
        assert call.status == "0", call.message
        self.acknowledge(path)
        content, at = bytearray(), 0
        while at < len(call.data):
            length = struct.unpack(">I", call.data[at + 1:at + 5])[0]
            assert 0 < length < 2**22
            (chunk,) = fields(call.data[at + 5:at + 5 + length])[1]
            assert chunk
            content += chunk
            at += 5 + length
        return bytes(content)

    def go_to(self, wanted):
        """Takes records until one whose path `wanted` accepts is announced; its path."""
        while True:
            record = self.next_record()
            assert record not in (None, "finished"), (record, self.importing.message)
            path, regular = record
            if wanted(path):
                return path
            if regular:
                self.take(path)
            else:
                self.acknowledge(path)

    def give(self, call, credit):
        with contextlib.suppress(h2.exceptions.StreamClosedError):
            self.http.increment_flow_control_window(credit, call.stream)
        self.flush()

    def ping(self):
        before = self.pongs
        self.http.ping(b"\x02\x04\x10\x10\x09\x0e\x07\x07")
        self.flush()
        self.wait(lambda: self.pongs > before, 2)

    def reset(self, call):
        self.http.reset_stream(call.stream, 8)
        self.flush()

    def wait(self, condition, timeout=20):
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"not so after {timeout} s"
            self.step(0.1)

    def step(self, timeout):
        if not select.select([self.from_plugin], [], [], timeout)[0]:
            return
        data = os.read(self.from_plugin, 1 << 16)
        assert data, "the plugin is gone"
        for event in self.http.receive_data(data):
            self.take_event(event)
        self.flush()

    def take_event(self, event):
        if isinstance(event, h2.events.PingAckReceived):
            self.pongs += 1
        call = self.calls.get(getattr(event, "stream_id", None))
        if call is None:
            return
        if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
            call.headers.update(dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            call.data += event.data
            if self.window is None and event.flow_controlled_length:
                self.http.increment_flow_control_window(event.flow_controlled_length)
                self.give(call, event.flow_controlled_length)
        elif isinstance(event, h2.events.StreamEnded):
            call.ended = True
        elif isinstance(event, h2.events.StreamReset):
            call.ended, call.reset = True, event.error_code

    def close_input(self):
        if self.to_plugin is not None:
            os.close(self.to_plugin)
            self.to_plugin = None

    def close_output(self):
        if self.from_plugin is not None:
            os.close(self.from_plugin)
            self.from_plugin = None

    def wait_for_exit(self, timeout=5):
        """Its exit status and what it said on standard error."""
        _, stderr = self.process.communicate(timeout=timeout)
        return self.process.returncode, stderr.decode()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close_input()
        self.close_output()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


# ---- A restore


DIRECTORY = 1 << 31
LINK = 1 << 27
HEADER_OF_NEWER_HOSTS = field(4711, "what nobody knows yet")


def framed(message):
    return struct.pack(">BI", 0, len(message)) + message


def record_bytes(path, mode=0o644, content=True, target=""):
    """A Record as Plakar sends it, with something of a newer one."""
    name = path.rsplit("/", 1)[-1] if isinstance(path, str) else b"name"
    info = field(1, name or "/") + field(2, 0) + field(3, mode) + field(9, 1)
    return ((field(1, 1) if content else b"") + field(2, path)
            + (field(7, target) if target else b"") + field(8, info) + HEADER_OF_NEWER_HOSTS)


def messages_of(data):
    """The whole gRPC messages that data begins with."""
    found = []
    while len(data) >= 5:
        length = struct.unpack(">I", data[1:5])[0]
        if len(data) < 5 + length:
            break
        found.append(data[5:5 + length])
        data = data[5 + length:]
    return found


class Exporting(Client):
    """A host that gives a snapshot back."""

    def __init__(self, program, **options):
        super().__init__(program, **options)
        self.sent = set()  # the bytes of each record
        self.export = None

    def start(self, location, **config):
        """Init; then Export is called."""
        self.init_answer = self.unary(
            EXPORTER + "Init", init_request("postgres", {"location": location, **config}), 60)
        if self.init_answer.status == "0":
            self.export = self.call(EXPORTER + "Export", end=False)
        return self.init_answer

    def send(self, data, timeout=60):
        """Sends bytes as the plugin gives leave to; what it did not take in time is returned."""
        end = time.monotonic() + timeout
        stream = self.export.stream
        while data and not self.export.ended:
            room = min(self.http.local_flow_control_window(stream),
                       self.http.max_outbound_frame_size)
            if room == 0:
                if time.monotonic() > end:
                    return data
                self.step(0.05)
                continue
            self.http.send_data(stream, data[:room])
            data = data[room:]
            self.flush()
            self.step(0)
        return data

    def record(self, path, *arguments, **more):
        """The message of a record, to be sent."""
        sent = record_bytes(path, *arguments, **more)
        self.sent.add(sent)
        return framed(field(1, sent))

    def file(self, path, content, chunk=1 << 20):
        """The messages of a file, to be sent."""
        parts = [self.record(path)]
        parts += [framed(field(2, content[at:at + chunk])) for at in range(0, len(content), chunk)]
        return b"".join(parts) + framed(field(2, b""))

    def finish(self, timeout=60):
        """The end of everything; the call's status and message."""
        self.http.end_stream(self.export.stream)
        self.flush()
        return self.outcome(timeout)

    def outcome(self, timeout=60):
        self.wait(lambda: self.export.ended, timeout)
        return self.export.status, urllib.parse.unquote(self.export.message)

    def results(self):
        """[(path, what is wrong with it or "")]; each must be of a record that was sent."""
        found = []
        for message in messages_of(self.export.data):
            (result,) = fields(message)[1]
            parts = fields(result)
            (header,) = parts[1]
            assert bytes(header) in self.sent
            found.append((fields(header)[2][0].decode(errors="replace"),
                          parts.get(2, [b""])[0].decode()))
        return found
