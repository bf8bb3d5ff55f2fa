# Stored answers of providers: what `show --requests` tells of them, handing them to a colleague by `answers export` and `import`, dropping them by
# `gc --answers`. The server counts what is asked.
. "$TAF_TOP/tests/cases/kit/llm.sh"
here=$TAF_TOP/tests/cases/cli-answers
server_on server --reasoning
llm_project p 'in_flight: 8' 'price_in: 2' 'price_out: 8'
sed -i -e 's/count: 12}/count: 2}/' -e 's/parents: 4}/parents: 1}/' -e 's/^stages:/  voice: {kind: espeak}\nstages:/' p/pipeline.yaml
echo '  - {name: say, uses: speak, needs: [checked], with: {provider: voice}}' >>p/pipeline.yaml
head -n 3 p/calls.jsonl >few && mv few p/calls.jsonl
number() { python3 -c 'import json, sys; print(json.load(open("out"))[sys.argv[1]])' "$1"; }
rows() { python3 -c 'import sqlite3, sys
print(sqlite3.connect("file:%s/taf.db?mode=ro" % sys.argv[1], uri=True).execute(sys.argv[2]).fetchone()[0])' "$@"; }

taf run -f p/pipeline.yaml -w w --json
is run $? 0
cp out status.json
asked=$(served requests)
is "paid is summed" "$(rows w 'SELECT sum(cost) FROM spent')" "$(rows w 'SELECT sum(cost) FROM answer')"
id=$(rows w "SELECT i.id FROM item i JOIN memo m ON m.item=i.n JOIN stage s ON s.n=m.stage WHERE s.name='agents' AND m.outcome=1 ORDER BY i.id")

# --- show --requests ---
taf show "$id" --requests -f p/pipeline.yaml -w w
is show $? 0
has "show: stage" out "agents (synthesize): "
has "show: the first question" out "  1. "
has "show: cost" out ", cost 0.0"
has "show: model" out "case-model"
has "show: message" out "     user: "
has "show: thinking" out "     thinking: "
has "show: annotation" out "think (annotate): "
has "show: speech" out "say (speak): "
lacks "show: no stage that asks nobody" out "clean (screen)"
lacks "show: no control characters" out "$(printf '\033')"
taf show "$id" think --requests --full -f p/pipeline.yaml -w w
lacks "show: one stage" out "agents (synthesize)"
lacks "show: in full" out "…  ("
taf show calls/a1 clean --requests -f p/pipeline.yaml -w w
has "show: a stage that asks nobody" out "clean (screen): 0 requests"
taf show "$id" --requests --json -f p/pipeline.yaml -w w
python3 "$here/requests.py" out w server.log

# --- export, import: the colleague pays nothing ---
taf answers export a.zip -f p/pipeline.yaml -w w
is export "$? $(cat err)" "0 "
has "export: told" out " answers, "
all=$(rows w 'SELECT count(*) FROM answer')
taf answers export a.zip -f p/pipeline.yaml -w w
is "export: nothing is overwritten" $? 1
has "export: says so" err "is there already"
taf answers export b.zip -f p/pipeline.yaml -w w --json
is "export: all" "$(number answers) $(number left_out)" "$all 0"
if cmp -s a.zip b.zip; then ok "export: equal bytes"; else bad "export: equal bytes" "they differ"; fi
python3 "$here/file.py" a.zip w
no_key "export: no key" a.zip out
is "export: leaves nothing beside" "$(ls | grep -c tmp)" 0

taf answers import a.zip -f p/pipeline.yaml -w colleague
is import "$? $(cat err)" "0 "
has "import: whose" out "(dataset taf-case, taf "
has "import: cost" out "they cost nothing here"
is "import: all" "$(rows colleague 'SELECT count(*) FROM answer WHERE imported=1 AND cost=0')" "$all"
is "import: spent nothing" "$(rows colleague 'SELECT count(*) FROM spent')" 0
taf answers import a.zip -f p/pipeline.yaml -w colleague --json
is "import: again" "$(number new) $(number known) $(number differ) $(number refused)" "0 $all 0 0"
reset
taf run -f p/pipeline.yaml -w colleague --json
is "imported: run" $? 0
is "imported: nothing asked" "$(served requests)" 0
is "imported: cost" "$(of stages.agents.cost <out) $(of stages.think.cost <out)" "0 0"
llm results w >mine && llm results colleague >theirs
is "imported: the same results" "$(diff mine theirs | head -n 3)" ""
is "imported: no sound made again" "$(rows colleague 'SELECT count(*) FROM answer WHERE imported=0')" 0
taf show "$id" --requests -f p/pipeline.yaml -w colleague
has "imported: shown" out "imported: it cost nothing here"
# What the colleague has of his own stays.
python3 - <<'P'
import sqlite3
db = sqlite3.connect("colleague/taf.db")
db.execute("UPDATE answer SET answer='{\"content\":\"mine\"}', imported=0 WHERE step LIKE 'left%'")
db.execute("DELETE FROM answer WHERE step='ask 1'")
db.commit()
P
ours=$(rows colleague "SELECT count(*) FROM answer WHERE answer='{\"content\":\"mine\"}'")
if [ "$ours" -gt 0 ]; then ok "import: some are his own"; else bad "import: some are his own" "none"; fi
taf answers import a.zip -f p/pipeline.yaml -w colleague --json
is "import: own stay" "$(number differ) $(($(number new) > 0)) $(rows colleague "SELECT count(*) FROM answer WHERE answer='{\"content\":\"mine\"}'")" "$ours 1 $ours"

# --- Files that are damaged or lie change nothing ---
python3 "$here/broken.py" a.zip >cases
while IFS=$'\t' read -r file words; do
	rm -rf empty
	taf answers import "$file" -w empty
	is "refused: $file" "$? $([ -e empty/taf.db ] && echo made)" "1 "
	has "refused: $file: says" err "$words"
done <cases
if [ "$(wc -l <cases)" -ge 12 ]; then ok "refused: cases"; else bad "refused: cases" "$(cat cases)"; fi
# A sound that is neither in the file nor here: that answer is refused, the others are taken.
taf answers import no-sound.zip -w partly --json
is "import: without its sound" "$? $(number refused) $(($(number new) + 1))" "0 1 $all"
taf answers import missing.zip -w partly
is "import: no file" $? 1
# A sound that is lost is not packed, and neither is its answer.
lost=$(find w/objects -type f -name '??????????????????????????????????????????????????????????????' | head -n 1)
mv "$lost" kept-sound
taf answers export c.zip -f p/pipeline.yaml -w w
has "export: sound is missing" out "left out: the sound is missing"
mv kept-sound "$lost"

# --- Private stages ---
cat >private.yaml <<'YAML'
version: 1
name: taf-case
stages:
  - {name: calls, uses: import, with: {inputs: [p/calls.jsonl]}}
  - {name: clean, uses: screen, needs: [calls], with: {min_chars: 12}}
YAML
taf run -f private.yaml -w secret
taf answers export s.zip -f private.yaml -w secret
is "export: a private call was never sent" $? 0
# An old folder where that was otherwise, made by hand.
python3 - <<'P'
import sqlite3
db = sqlite3.connect("secret/taf.db")
db.execute("INSERT INTO answer SELECT x'%s',0,1,n,0,0,'s','m',1,1,1,0,NULL,'{}',x'789c010000ffff00000001' FROM stage WHERE name='calls'" % ("ab" * 32))
db.commit()
P
taf answers export t.zip -f private.yaml -w secret
is "export: private" "$? $([ -e t.zip ] && echo made)" "1 "
has "export: private says" err "stage calls saw private calls"

# --- gc ---
spent=$(rows w 'SELECT sum(cost) FROM spent')
taf gc --json -f p/pipeline.yaml -w w
is "gc alone" "$(number answers) $(rows w 'SELECT count(*) FROM answer')" "0 $all"
taf gc --answers --json -f p/pipeline.yaml -w w
is "gc: all are in use" "$(number answers)" 0
other="--set stages.think.generation=2"
# shellcheck disable=SC2086 # words
taf run -f p/pipeline.yaml -w w $other
is "generation 2" $? 0
for _ in 1 2 3 4 5; do taf run -f p/pipeline.yaml -w w $other; done
old=$(rows w "SELECT count(*) FROM answer a JOIN stage s ON s.n=a.stage WHERE s.name='think' AND a.run=1")
many=$(rows w 'SELECT count(*) FROM answer')
taf gc --json -f p/pipeline.yaml -w w
is "gc: answers stay" "$(number answers) $(rows w 'SELECT count(*) FROM answer')" "0 $many"
taf gc --answers --dry-run --json -f p/pipeline.yaml -w w
cost=$(number answer_cost) tokens=$(number answer_tokens_in)
is "gc: dry run" "$(number answers) $(rows w 'SELECT count(*) FROM answer')" "$old $many"
taf gc --answers --dry-run -f p/pipeline.yaml -w w
has "gc: what they took" out "tokens in, "
has "gc: what they cost" out "out and cost 0.0"
taf gc --answers --json -f p/pipeline.yaml -w w
is "gc: dropped" "$(number answers) $(number answer_cost) $(number answer_tokens_in)" "$old $cost $tokens"
is "gc: the others stay" "$(rows w 'SELECT count(*) FROM answer')" $((many - old))
is "gc: spent stays" "$(($(rows w 'SELECT sum(cost) FROM spent') > spent))" 1
reset
# shellcheck disable=SC2086
taf run -f p/pipeline.yaml -w w $other --json
is "gc: what is in use asks nothing" "$? $(served requests) $(computed <out)" "0 0 "
taf run -f p/pipeline.yaml -w w
is "gc: what was dropped is asked again" "$(served requests)" "$old"
server_off
