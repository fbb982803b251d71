"""Solutions of lesson 2; each part stands for the cell of its name."""


# %% dead-neurons
def dead_neurons(responses):
    return responses.max(axis=0) == responses.min(axis=0)


# %% balanced-accuracy
def balanced_accuracy(predicted, truth):
    return (predicted[truth].mean() + (~predicted[~truth]).mean()) / 2


# %% discriminativeness
def discriminativeness(responses, attribute):
    best = 0.5
    for cut in np.unique(responses):
        found = balanced_accuracy(responses >= cut, attribute)
        best = max(best, found, 1 - found)
    return best


# %% neuron-group
def neuron_group(x, identity_related, level):
    to_ia, to_na = (x[identity_related] >= level).any(), (x[~identity_related] >= level).any()
    if to_ia and to_na:
        return "IA+NA"
    return "IA" if to_ia else "NA" if to_na else "inhibitive"


# %% mean-face
def mean_face(images, responses, count):
    strongest = np.argsort(responses)[-count:]
    return images[strongest].astype(float).mean(axis=0)
