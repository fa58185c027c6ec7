"""What W&B wrote, read without its own readers.

A ``.wandb`` file is LevelDB's log format: a header of 7 bytes, then blocks of 32 KiB
with records cut into fragments (checksum 4 bytes, length 2, type 1: full, first,
middle, last), each record a protocol buffer.
"""

import json
import struct
from pathlib import Path
from typing import Any

BLOCK, HEAD = 32768, 7


def read_run(path: Path) -> dict[str, Any]:
    """Id, project, configuration, exit code and history of one run file."""
    from wandb.proto.wandb_internal_pb2 import Record

    found: dict[str, Any] = {"history": [], "exit_code": None}
    for content in _records(path.read_bytes()):
        record = Record.FromString(content)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found |= {"id": record.run.run_id, "project": record.run.project}
            found["name"] = record.run.display_name
            found["config"] = {
                item.key: json.loads(item.value_json)
                for item in record.run.config.update
            }
        elif kind == "history":
            found["history"].append(
                {
                    (item.key or "/".join(item.nested_key)): json.loads(item.value_json)
                    for item in record.history.item
                }
            )
        elif kind == "exit":
            found["exit_code"] = record.exit.exit_code
    return found


def _records(data: bytes) -> list[bytes]:
    assert data[:4] == b":W&B"
    place, whole, records = HEAD, b"", []
    while place + HEAD <= len(data):
        left = BLOCK - place % BLOCK
        if left < HEAD:  # too little for a fragment's head: filled with zeros
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + HEAD])
        if kind == 0:
            place += left
            continue
        whole += data[place + HEAD : place + HEAD + length]
        place += HEAD + length
        if kind in (1, 4):
            records.append(whole)
            whole = b""
    return records
