"""Solutions of lesson 4; each part stands for the cell of its name."""


# %% neuron-loss
def neuron_loss(student, teacher):
    return (teacher - student).square().sum(dim=1).mean() / 2


# %% explained-share
def explained_share(student, teacher):
    missed = (teacher - student).square().sum()
    return float(1 - missed / (teacher - teacher.mean(dim=0)).square().sum())


# %% committee-target
def committee_target(each, temperature):
    return torch.softmax(each / temperature, dim=2).mean(dim=0)


# %% cosine-distance
def cosine_distance(first, second):
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return 1 - (first * second).sum(axis=1) / lengths


# %% auc
def auc(distances, same):
    own, other = distances[same][:, None], distances[~same]
    return float((own < other).mean() + (own == other).mean() / 2)
