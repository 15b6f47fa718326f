"""From data to release in one command: `flamingo train all`. A plan is some recipe files, carried out one after the
other; each is trained in stages, exported, judged against what ships, and released only if it is better.

recipes   the files, and in which order they come        families  how each kind of model is trained and exported
folders   the data, unpacked where it lies in archives   company   the processes of torchrun, and Ctrl-C
state     what is done already (plan.json)               plan      the whole of it
releasing from the staging folder to the shipped models  report    what is said at the end
"""
