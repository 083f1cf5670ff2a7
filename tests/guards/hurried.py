"""A pytest plugin: an example that fails is enough, nobody reads which one is the smallest."""

from hypothesis import Phase, settings

settings.register_profile("hurried", phases=[Phase.explicit, Phase.generate])
settings.load_profile("hurried")
