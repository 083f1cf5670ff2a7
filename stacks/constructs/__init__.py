"""The repeated shapes of the stacks: a function with its own role and log group, a stream mapping, a bundle."""
