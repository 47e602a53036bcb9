# SPDX-License-Identifier: MIT
"""Races against other loaders, and measurements: `fastbatch bench`, and `bench/run.py` in a checkout.

settings.py  what to run                               run.py      scenario after scenario -> results
scenarios/   one question a file                       race.py     one race: check, warm up, interleaved rounds
rivals/      one library a file (`open_feed`)          measure.py  one measurement of the package alone
job.py       a scenario's request; a rival's answer    drive.py    the processes of the contestants
check.py     batches compared before they are timed    worker.py   the program in such a process
data.py      data sets, made once                      noise.py    what other programs took meanwhile
limits/      what the machine can do: a C++ program    report.py   ratios, targets, tables of the terminal
                                                       verdict.py  one sentence for a race, or why none
results.py   result files                              bars.py, page.py   pictures and the HTML report
compare.py   two result files
"""
