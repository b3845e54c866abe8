# Insertion sort, quicksort, merge sort, heap sort and counting sort agree.
def insertion_sort(values):
    values = values[:]
    for i in range(1, len(values)):
        v = values[i]
        j = i
        while j > 0 and values[j - 1] > v:
            values[j] = values[j - 1]
            j -= 1
        values[j] = v
    return values


def quicksort(values):
    if len(values) < 2:
        return values
    pivot = values[len(values) // 2]
    return quicksort([v for v in values if v < pivot]) + [v for v in values if v == pivot] + quicksort([v for v in values if v > pivot])


def merge_sort(values):
    if len(values) < 2:
        return values
    middle = len(values) // 2
    left, right = merge_sort(values[:middle]), merge_sort(values[middle:])
    out = []
    i = j = 0
    while i < len(left) and j < len(right):
        if right[j] < left[i]:
            out.append(right[j])
            j += 1
        else:
            out.append(left[i])
            i += 1
    return out + left[i:] + right[j:]


def heap_sort(values):
    values = values[:]

    def sift(start, end):
        root = start
        while 2 * root + 1 < end:
            child = 2 * root + 1
            if child + 1 < end and values[child] < values[child + 1]:
                child += 1
            if values[root] >= values[child]:
                return
            values[root], values[child] = values[child], values[root]
            root = child

    for start in range(len(values) // 2 - 1, -1, -1):
        sift(start, len(values))
    for end in range(len(values) - 1, 0, -1):
        values[0], values[end] = values[end], values[0]
        sift(0, end)
    return values


def counting_sort(values):
    counts = [0] * (max(values, default=0) + 1)
    for v in values:
        counts[v] += 1
    return [v for v, count in enumerate(counts) for _ in range(count)]


seed = 7
data = []
for _ in range(120):
    seed = (seed * 16807) % 2147483647
    data.append(seed % 1000)
expected = sorted(data)
for sort in [insertion_sort, quicksort, merge_sort, heap_sort, counting_sort]:
    print(sort.__name__, sort(data) == expected, sort([]), sort([2, 1]), sort([1, 1, 1]), data[0])
print(expected[:8], merge_sort("quick brown".split()), quicksort([3.5, -1, 2]))
