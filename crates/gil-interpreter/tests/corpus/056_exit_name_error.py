# An unhandled NameError in a method.
class Worker:
    def __init__(self, jobs):
        self.jobs = jobs

    def run(self):
        done = 0
        while self.jobs:
            job = self.jobs.pop()
            print("job", job)
            done += 1
        return undefined_result_of_jobs


print(Worker([1, 2]).run())
