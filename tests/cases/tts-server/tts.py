"""What the parts share: requests by both contracts, and readers of MP3 and WAV that know nothing of FFmpeg."""
import array
import http.client
import io
import json
import socket
import wave
import zipfile

from client import Server, check  # noqa: F401

RATE = 24000
LINES = ["您好，这里是银行客服，请问您是张先生吗？", "我们检测到您的账户有异常交易，需要您马上配合核实一下。", "好的。"]


def generate(s, texts=LINES, seed=7, connection=None, timeout=30, **code):
    """POST /generate_voice → status, headers, bytes."""
    body = {"text": texts, "stream": False, "lang": None, "skip_refine_text": True, "refine_text_only": False, "use_decoder": True,
            "do_text_normalization": True, "do_homophone_replacement": False, "params_refine_text": None,
            "params_infer_code": {"prompt": "[speed_5]", "top_P": 0.7, "top_K": 20, "temperature": 0.3, "repetition_penalty": 1.05,
                                  "max_new_token": 2048, "min_new_token": 0, "manual_seed": seed, **code}}
    return s.call("POST", "/generate_voice", body, None, connection, timeout)


def speech(s, text=LINES[1], form="wav", headers=None, timeout=30, **rest):
    """POST /v1/audio/speech → status, headers, bytes."""
    body = {"model": "m", "input": text, "voice": "nova", "response_format": form, **rest}
    return s.call("POST", "/v1/audio/speech", body, headers, None, timeout)


def entries(data):
    """[(name, bytes)] of a zip, in order, checksums checked."""
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        return [(i.filename, z.read(i)) for i in z.infolist()]


def samples(data):
    """→ rate, channels, samples of -1 to 1 of a WAV."""
    with wave.open(io.BytesIO(data)) as w:
        v = array.array("h", w.readframes(w.getnframes()))
        return w.getframerate(), w.getnchannels(), [x / 32768 for x in v]


def rms(v):
    return (sum(x * x for x in v) / max(1, len(v))) ** 0.5


RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
KBPS = {3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320), 2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)}


def mp3(data):
    """→ frames, rate, channels, bytes left over: the headers of layer III, ISO 11172-3 and 13818-3."""
    at, frames, rate, channels = 0, 0, 0, 0
    while at + 4 <= len(data):
        b = data[at:at + 4]
        version, kbps, hz = b[1] >> 3 & 3, b[2] >> 4, b[2] >> 2 & 3
        if b[0] != 255 or b[1] >> 5 != 7 or b[1] >> 1 & 3 != 1 or kbps in (0, 15) or hz == 3:
            raise ValueError(f"no frame at {at}")
        rate, channels = RATES[version][hz], 1 if b[3] >> 6 == 3 else 2
        size = (144 if version == 3 else 72) * KBPS[3 if version == 3 else 2][kbps] * 1000 // rate + (b[2] >> 1 & 1)
        if at + size > len(data):
            break
        at += size
        frames += 1
    return frames, rate, channels, len(data) - at


def seconds(data):
    frames, rate, _, _ = mp3(data)
    return frames * (576 if rate <= 24000 else 1152) / rate if rate else 0


def ending(s, timeout=30, seed=7, texts=LINES):
    """How an exchange ends: a status, or the name of what broke."""
    try:
        return generate(s, texts, seed, timeout=timeout)[0]
    except ConnectionResetError:
        return "reset"
    except http.client.IncompleteRead:
        return "truncated"
    except http.client.RemoteDisconnected:
        return "closed"
    except (socket.timeout, TimeoutError):
        return "timeout"
    except ConnectionRefusedError:
        return "refused"


def details(data):
    return {tuple(x["loc"]): x["type"] for x in json.loads(data)["detail"]}
