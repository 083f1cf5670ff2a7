"""Each minute a look at what nobody tells by himself: sessions, silence, nights that were not, batches given up."""
