"""A small release with a bench, and predictions of all sorts, for the case cli-eval. All of it follows from the numbers below."""
import hashlib
import json
import os
import sys
import zipfile

SCENES = ["订餐服务", "咨询客服", "预约服务", "交通咨询"]
TYPES = ["投资诈骗", "钓鱼诈骗", "客服诈骗"]
ASK = {
    "scene": "这是哪一种场景？答案的键为 scene、reason、confidence。",
    "fraud": "这段通话是诈骗吗？答案的键为 reason、confidence、is_fraud。",
    "fraud_type": "这是哪一类诈骗？答案的键为 fraud_type、reason、confidence。",
}


def number(*words):
    return int(hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()[:8], 16)


def answer_json(task, label):
    if task == "fraud":
        return {"reason": "听出来的", "confidence": 0.9, "is_fraud": label == "fraud"}
    return {task: label, "reason": "听出来的", "confidence": 0.9}


def calls(n):
    for i in range(n):
        fraud = number("fraud", i) % 2 == 0
        yield {
            "name": hashlib.sha256(b"call %d" % i).hexdigest()[:12],
            "scene": SCENES[number("scene", i) % len(SCENES)],
            "fraud": "fraud" if fraud else "normal",
            "fraud_type": TYPES[number("type", i) % len(TYPES)] if fraud else None,
            "source": ["asr", "synthetic", "enhanced"][number("source", i) % 3],
            "ms": 10000 + number("ms", i) % 80000,
        }


def items(call):
    messages = [{"role": "system", "content": "你是通话分析助手。"}]
    for task in ("scene", "fraud", "fraud_type"):
        if not call[task]:
            return
        sound = "<audio>audio/%s.mp3</audio>\n" % call["name"] if task == "scene" else ""
        messages.append({"role": "user", "content": sound + ASK[task]})
        response = json.dumps(answer_json(task, call[task]), ensure_ascii=False)
        yield task, {"prompt": list(messages), "response": response, "reasoning": "先听双方说了什么。", "answer": call[task]}
        messages.append({"role": "assistant", "content": "<think>想</think><answer>%s</answer>" % response})


def wordings(task, label, i):
    """What a model may write: the wording, by number."""
    good = json.dumps(answer_json(task, label), ensure_ascii=False)
    other = json.dumps(answer_json(task, {"scene": SCENES[0], "fraud": "normal", "fraud_type": TYPES[0]}[task]), ensure_ascii=False)
    return [
        "<think>想一想</think><answer>%s</answer>" % good,
        "好的。\n```json\n%s\n```\n" % good,
        "我的判断是 %s，谢谢。" % good,
        "<think>会不会是 %s？不是。</think>%s" % (other, good),
        "可能是 %s 的样子，不过最后是 %s" % (other, good),
        "<answer>%s</answer>" % other,
        "<think>还在想 %s" % good,  # cut off while it thinks
        "我看不出来。",
        "<answer>{\"%s\": \"外星服务\"}</answer>" % ("is_fraud" if task == "fraud" else task),
        "<answer>{'%s': '单引号'}</answer>" % task,
        "想完了 </think>\n\n<answer>\n%s\n</answer>" % good,
        "<answer>%s</answer>" % json.dumps({"is_fraud": "TRUE" if label == "fraud" else "false"} if task == "fraud" else {task: "应该是" + label}, ensure_ascii=False),
    ][i]


def main(folder, n):
    os.makedirs(folder, exist_ok=True)
    bench = {"scene": [], "fraud": [], "fraud_type": []}
    manifest, by_prompt, by_id, chat, swift = [], [], [], [], []
    for c, call in enumerate(calls(n)):
        audio = "audio/%s.mp3" % call["name"]
        row = {"id": "calls/%d" % c, "name": call["name"], "audio": audio, "label": call["fraud"], "scene": call["scene"],
               "source": call["source"], "duration_ms": call["ms"], "sha256": "0" * 64, "bytes": 1, "turns": 2}
        if call["fraud_type"]:
            row["fraud_type"] = call["fraud_type"]
        manifest.append(row)
        for task, item in items(call):
            bench[task].append(item)
            k = number("wording", task, c) % 12
            if number("missing", task, c) % 11 == 0:
                continue
            labels = {"scene": SCENES, "fraud": ["fraud", "normal"], "fraud_type": TYPES}[task]
            said = item["answer"] if number("right", task, c) % 4 else labels[number("wrong", task, c) % len(labels)]
            text = wordings(task, said, k)
            # The forms in turn: the whole item with the prediction beside the reference, id and response, chat replies, ms-swift.
            form = number("form", task, c) % 4
            ident = "%s.%s" % (call["name"], task)
            if form == 0:
                by_prompt.append(dict(item, prediction=text))
            elif form == 1:
                by_id.append({"id": ident, "response": text})
            elif form == 2:
                chat.append({"custom_id": ident, "response": {"body": {"choices": [{"message": {"role": "assistant", "content": text}}]}}})
            else:
                messages = json.loads(json.dumps(item["prompt"]).replace("<audio>%s</audio>\\n" % audio, "<audio>"))
                swift.append({"messages": messages + [{"role": "assistant", "content": text}], "audios": ["/data/" + audio], "response": text})
    with zipfile.ZipFile(os.path.join(folder, "bench.zip"), "w", zipfile.ZIP_DEFLATED) as z:
        for task, rows in bench.items():
            z.writestr(task + ".json", json.dumps(rows, ensure_ascii=False, indent=1))
    with open(os.path.join(folder, "manifest.jsonl"), "w", encoding="utf-8") as f:
        f.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in manifest)
    for name, rows in (("by-id", by_id), ("chat", chat), ("swift", swift)):
        with open(name + ".jsonl", "w", encoding="utf-8") as f:
            f.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with open("by-prompt.json", "w", encoding="utf-8") as f:
        json.dump({"results": {"甲": by_prompt[::2], "乙": by_prompt[1::2]}}, f, ensure_ascii=False)
    with open("items.json", "w", encoding="utf-8") as f:
        json.dump(bench, f, ensure_ascii=False)


main(sys.argv[1], int(sys.argv[2]))
