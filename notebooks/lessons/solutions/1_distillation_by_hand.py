"""Solutions of lesson 1; each part stands for the cell of its name."""


# %% error-rate
def error_rate(logits, labels):
    return float((logits.argmax(dim=1) != labels).float().mean())


# %% soft-target
def soft_target(logits, temperature):
    raised = torch.exp((logits - logits.max(dim=1, keepdim=True).values) / temperature)
    return raised / raised.sum(dim=1, keepdim=True)


# %% soft-target-loss
def soft_target_loss(student_logits, teacher_logits, temperature):
    wanted = torch.log_softmax(teacher_logits / temperature, dim=1)
    own = torch.log_softmax(student_logits / temperature, dim=1)
    return temperature**2 * (wanted.exp() * (wanted - own)).sum(dim=1).mean()


# %% soft-target-gradient
def soft_target_gradient(student_logits, teacher_logits, temperature):
    gap = soft_target(student_logits, temperature) - soft_target(teacher_logits, temperature)
    return temperature * gap / len(student_logits)


# %% logits-loss
def logits_loss(student_logits, teacher_logits):
    difference = student_logits - teacher_logits
    centred = difference - difference.mean(dim=1, keepdim=True)
    return centred.square().mean() / 2
