# What a run costs, and what is told of it: limits that hold nothing without prices, estimates after a stop, counts of what was asked, the sum over all runs.
. "$TAF_TOP/tests/cases/kit/llm.sh"
server_on
llm_project p 'in_flight: 8' 'price_in: 2' 'price_out: 8'
# at_most A B: of numbers
at_most() { python3 -c 'import sys; sys.exit(float(sys.argv[1]) > float(sys.argv[2]))' "$1" "$2"; }

# --- Limits of cost without prices ---
free='provider writer has no price_in and no price_out'
unpriced=(--set providers.writer.price_in=0 --set providers.writer.price_out=0)
taf run -f p/pipeline.yaml -w free --until agents --limit 1 --max-cost 1 "${unpriced[@]}"
is "unpriced: no error" $? 0
has "unpriced: --max-cost" err "$free: --max-cost counts it as free"
is "unpriced: told once" "$(grep -c "$free" err)" 1
taf run -f p/pipeline.yaml -w free --until agents --limit 2 --max-cost 1 --set max_cost=1 "${unpriced[@]}"
has "unpriced: both" err "$free: --max-cost and max_cost count it as free"
taf run -f p/pipeline.yaml -w free --until agents --limit 2 --max-cost 1 "${unpriced[@]}" --set providers.writer.price_out=1
lacks "unpriced: one price is one" err "$free"
taf run -f p/pipeline.yaml -w free --until agents --limit 2 "${unpriced[@]}"
lacks "unpriced: no limit" err "$free"
taf run -f p/pipeline.yaml -w free --until calls --max-cost 1 "${unpriced[@]}"
lacks "unpriced: not asked" err "$free"
# A pipeline without scenarios: the kit's are too small for check.
mkdir c && cp p/calls.jsonl c/
sed -e '/name: agents/,$d' -e '/price_/d' -e 's/^seed:.*/&\nmax_cost: 5/' p/pipeline.yaml >c/pipeline.yaml
echo '  - {name: think, uses: annotate, needs: [calls], with: {provider: writer}}' >>c/pipeline.yaml
taf check -f c/pipeline.yaml
is "unpriced: check" $? 0
has "unpriced: check tells its line" err "c/pipeline.yaml:$(grep -n max_cost c/pipeline.yaml | cut -d: -f1):11: warning: $free: max_cost counts it as free"
taf check -f c/pipeline.yaml --json
is "unpriced: check --json" "$(of ok <out) $(of warnings.0.line <out)" "True 4"
taf check -f c/pipeline.yaml --set providers.writer.price_in=1
is "priced: check" "$(cat err)" ""

# --- What a plan goes by: the first that are done are the short ones ---
taf run -f p/pipeline.yaml -w whole --json || bad whole "$(cat err)"
cp out whole.json
taf plan -f p/pipeline.yaml -w whole --json --set stages.agents.with.count=20
is "plan: a finished stage" "$(of stages.agents.basis <out) $(of stages.agents.measured <out)" "earlier-runs 12"
taf plan -f p/pipeline.yaml -w none --json
is "plan: nothing measured" "$(of stages.agents.basis <out) $(of stages.agents.measured <out)" "prompt-lengths 0"
guess=$(of stages.agents.tokens <out)
# One call at a time, and a limit behind the first few.
few=$(python3 -c "import json; c = json.load(open('whole.json'))['providers'][0]['cost']; print('%.6f' % (0.25 * c))")
taf run -f p/pipeline.yaml -w few --until agents --max-cost "$few" --set providers.writer.in_flight=1
is "plan: stopped early" $? 4
taf plan -f p/pipeline.yaml -w few --json --until agents
n=$(of stages.agents.measured <out)
is "plan: a few are too few: $n" "$(of stages.agents.basis <out) $((n > 0 && n < 5))" "prompt-lengths 1"
is "plan: goes by the prompts" "$(of stages.agents.tokens <out)" "$((guess * (12 - n) / 12))"
taf plan -f p/pipeline.yaml -w few --until agents
has "plan: tells it" out "for agents by the lengths of the prompts ($n of its items measured is too few)"
taf run -f p/pipeline.yaml -w few --until agents
is "plan: goes on" $? 0
taf plan -f p/pipeline.yaml -w few --json --set stages.agents.with.count=20
is "plan: enough" "$(of stages.agents.basis <out) $(($(of stages.agents.measured <out) >= 5))" "earlier-runs 1"
n=$(of stages.agents.measured <out)
taf plan -f p/pipeline.yaml -w few --set stages.agents.with.count=20
has "plan: tells of how many" out "for agents by what $n items took in earlier runs"

# --- What is invalid is counted when it comes, not each time a run reads it again ---
reset
switch '{"length": 20}'
taf run -f p/pipeline.yaml -w bad --json --until agents --set providers.writer.draws=6 --max-cost "$few"
first=$(of providers.0.invalid <out)
is "invalid: some" "$((first > 0))" 1
switch '{"length": 0}'
taf run -f p/pipeline.yaml -w bad --json --until agents --set providers.writer.draws=6
is "invalid: goes on" "$?" 0
is "invalid: those before are not counted again" "$(of providers.0.invalid <out)" 0

# --- What a folder has cost in all: the last run and those before ---
sums() { # STATUS.json…: answers, tokens in and out, cost of their stages together
	python3 -c 'import json, sys
s = [s for f in sys.argv[1:] for s in json.load(open(f))["stages"]]
print(*(sum(x[k] for x in s) for k in ("requests", "tokens_in", "tokens_out")), "%.4f" % sum(x["cost"] for x in s))' "$@"
}
taf run -f p/pipeline.yaml -w sum --json --until agents --max-cost "$few"
cp out sum1.json
taf run -f p/pipeline.yaml -w sum --json --until agents
is "total: goes on" $? 0
cp out sum2.json
taf status -f p/pipeline.yaml -w sum --json
is "total: of both runs" "$(of total.answers <out) $(of total.tokens_in <out) $(of total.tokens_out <out) $(printf %.4f "$(of total.cost <out)")" \
	"$(sums sum1.json sum2.json)"
is "total: the last run beside it" "$(sums out)" "$(sums sum2.json)"
cost=$(printf %.2f "$(of total.cost <out)")
taf status -f p/pipeline.yaml -w sum
has "total: told" out "of providers, over all runs in this folder: $(sums sum1.json sum2.json | cut -d' ' -f1) answers, "
has "total: its cost" out " out, cost $cost"
taf run -f p/pipeline.yaml -w dry --until calls
taf status -f p/pipeline.yaml -w dry
lacks "total: nothing asked" out "over all runs"
