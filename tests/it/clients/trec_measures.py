"""Measures of runs by trec_eval's own code (pytrec_eval) and through ir_measures.

Reads {"qrels": {question: {document: grade}}, "run": {question: {document: score}}, "level": grade}
from stdin; prints {"pytrec_eval": {question: {measure: value}}, "ir_measures": {measure: mean}}.
"""

import json
import sys

import ir_measures
import pytrec_eval
from ir_measures import AP, R, Success, nDCG

NAMES = {
    "nDCG@10": "ndcg_cut_10",
    "MAP": "map",
    "MRR@10": "recip_rank",
    "Recall@5": "recall_5",
    "Recall@10": "recall_10",
    "Recall@100": "recall_100",
    "hit@1": "success_1",
    "hit@5": "success_5",
}


def first_ten(ranking):
    """trec_eval's reciprocal rank has no cut-off: cut the run in trec_eval's own order."""
    order = sorted(ranking, key=lambda document: (ranking[document], document), reverse=True)
    return {document: ranking[document] for document in order[:10]}


def by_pytrec_eval(qrels, run, level):
    measures = {"ndcg_cut", "map", "recall", "success"}
    whole = pytrec_eval.RelevanceEvaluator(qrels, measures, relevance_level=level).evaluate(run)
    cut = {question: first_ten(ranking) for question, ranking in run.items()}
    ranks = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}, relevance_level=level).evaluate(cut)
    return {
        question: {name: {**values, **ranks[question]}[theirs] for name, theirs in NAMES.items()}
        for question, values in whole.items()
    }


def by_ir_measures(qrels, run, level):
    measures = {
        nDCG @ 10: "nDCG@10",
        AP(rel=level): "MAP",
        R(rel=level) @ 5: "Recall@5",
        R(rel=level) @ 10: "Recall@10",
        R(rel=level) @ 100: "Recall@100",
        Success(rel=level) @ 1: "hit@1",
        Success(rel=level) @ 5: "hit@5",
    }
    found = ir_measures.calc_aggregate(list(measures), qrels, run)
    return {measures[measure]: value for measure, value in found.items()}


def main():
    given = json.load(sys.stdin)
    arguments = (given["qrels"], given["run"], given["level"])
    json.dump({"pytrec_eval": by_pytrec_eval(*arguments), "ir_measures": by_ir_measures(*arguments)}, sys.stdout)


main()
