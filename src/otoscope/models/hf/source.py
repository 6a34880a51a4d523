"""Where a model of transformers comes from, and what a kind of such models has to say of itself."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from otoscope.errors import OtoscopeError
from otoscope.models.base import AudioModel
from otoscope.models.family import ModelRow, Request
from otoscope.models.hf.files import Files

if TYPE_CHECKING:
    from transformers import PretrainedConfig

__all__ = ["Kind", "Source"]

# What a config says beside what its model computes; labels and heads are not the encoder's.
_NO_MATTER = {
    "architectures",
    "dtype",
    "torch_dtype",
    "transformers_version",
    "_name_or_path",
    "name_or_path",
}
_NO_MATTER |= {"id2label", "label2id", "num_labels", "problem_type", "auto_map", "_attn_implementation"}
# What matters in training only, or to heads: dropout, masking, losses, vocabularies.
_TRAINING = re.compile(
    "dropout|layerdrop|^mask_|spec_augment|^ctc_|token_id$|^output_|return_dict|vocab|codevector|diversity|"
    "contrastive|num_negatives|feat_quantizer|classifier|^tdnn_|^xvector_|weighted_layer_sum|initializer_range|"
    "adapter|gradient_checkpointing|chunk_size_feed_forward|num_ctc_classes|decoder"
)


@dataclass(frozen=True)
class Source:
    """A model of transformers that is about to be loaded.

    Attributes:
        place: a local folder or the model's name on the hub.
        config: what its config.json says; `dataclasses.replace` one that says otherwise, or a part of it.
        revision: branch, tag or commit on the hub; None for its main branch.
    """

    place: str
    config: "PretrainedConfig"
    revision: str | None = None

    def encoder(
        self,
        model_class: type[nn.Module],
        pick: Callable[[nn.Module], nn.Module],
        request: Request,
        *,
        prefixes: Sequence[str] = (),
    ) -> nn.Module:
        """The encoder with its weights, in float32 and evaluation mode; nothing is printed meanwhile.

        Args:
            model_class: a class of transformers, made of `config`. With a base class such as Wav2Vec2Model
                files of models with task heads load too: transformers knows their prefixes.
            pick: takes the encoder out of the model.
            request: says whether the weights are the file's, or fresh ones by a seed (then no weight file is
                needed, and the global random state is left as it was).
            prefixes: names of the file's weights begin with one of these in front of the names of
                `model_class`, all others are not even fetched; by default transformers finds them by itself.

        Raises:
            CheckpointError: a weight file cannot be read, or would run code.
            OtoscopeError: weights of the encoder are missing, of other shapes or not finite; or transformers
                cannot make the model.
        """
        if request.seed is not None:
            with self._building(model_class):
                torch.default_generator.manual_seed(request.seed)  # the CPU's; building restores it
                encoder = pick(model_class(self.config))
        else:
            weights = Files(self.place, self.revision).weights(prefixes, request.allow)
            with self._building(model_class):
                # Any is what transformers' own signature comes to.
                pretrained: Any = model_class
                model, report = pretrained.from_pretrained(
                    None,
                    config=self.config,
                    state_dict=weights,
                    dtype=torch.float32,
                    ignore_mismatched_sizes=True,  # of heads; the encoder's are looked at below
                    output_loading_info=True,
                )
            encoder = pick(model)
            self._check(model, encoder, report)
        # Copies: the file may be mapped, and must not be needed any more.
        with torch.no_grad():
            for tensor in (*encoder.parameters(), *encoder.buffers()):
                tensor.data = tensor.data.clone()
        return encoder.float().eval()

    def extractor(self, extractor_class: type) -> Any:
        """The feature extractor as the model's files describe it; the class's defaults if they do not.

        Raises:
            OtoscopeError: its description cannot be read or used.
        """
        files = Files(self.place, self.revision)
        # As transformers has it: newer files nest the extractor in the processor's. Few have them, and a copy
        # of the files in the hub's cache does not tell that there is none; one of the two has to be there.
        processor = files.json("processor_config.json", needed=False) or {}
        said = processor.get("feature_extractor") or processor.get("audio_processor")
        said = said or files.json("preprocessor_config.json") or {}
        with self._building(extractor_class):
            make: Any = extractor_class
            extractor = make.from_dict(dict(said))
        rate = getattr(extractor, "sampling_rate", None)
        if not isinstance(rate, int) or rate < 1:
            raise OtoscopeError(
                f"{self.place}: its preprocessor_config.json says sampling_rate {rate!r}; expected Hz, a "
                "whole number above 0"
            )
        return extractor

    def settings(self) -> dict[str, Any]:
        """What the config says that numbers may depend on, for the fingerprint, as JSON holds it."""
        said: Mapping[str, Any] = self.config.to_diff_dict()
        return {
            key: value for key, value in said.items() if key not in _NO_MATTER and not _TRAINING.search(key)
        }

    @contextmanager
    def _building(self, made: type) -> Iterator[None]:
        """Let transformers work in silence, on random numbers of its own; what it raises is told as ours."""
        import transformers

        try:
            with quiet(), torch.random.fork_rng(devices=[]):
                yield
        except OtoscopeError:
            raise
        except Exception as error:  # whatever a stranger's config makes transformers raise
            reason = " ".join(str(error).split())[:300]
            raise OtoscopeError(
                f"{self.place}: transformers {transformers.__version__} cannot make a {made.__name__} of it "
                f"({type(error).__name__}: {reason}); try another version of transformers, or check "
                "its config.json"
            ) from error

    def _check(self, model: nn.Module, encoder: nn.Module, report: Mapping[str, Any]) -> None:
        """Refuse an encoder that the files did not fill; transformers would leave random numbers there."""
        name = next(name for name, module in model.named_modules() if module is encoder)
        own = {f"{name}.{key}" if name else key for key in encoder.state_dict()}
        problems = [f"{key} is missing" for key in sorted(own & set(report["missing_keys"]))]
        problems += [
            f"{key} is {tuple(there)} instead of {tuple(here)}"
            for key, there, here in sorted(report["mismatched_keys"])
            if key in own
        ]
        if problems:
            more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
            raise OtoscopeError(
                f"{self.place}: its weights do not fill the {type(encoder).__name__} of its config.json: "
                f"{'; '.join(problems[:5])}{more}; expected all weights of the encoder; try fetching it again"
            )
        wrong = [key for key, tensor in encoder.state_dict().items() if not tensor.isfinite().all()]
        if wrong:
            raise OtoscopeError(
                f"{self.place}: holds NaN or infinite weights in {', '.join(wrong[:5])}; expected finite ones"
            )


@dataclass(frozen=True)
class Kind:
    """A kind of models of transformers.

    Attributes:
        model_types: what config.json calls them.
        row: the kind in words, for the table of models.
        build: makes a model of it.
    """

    model_types: tuple[str, ...]
    row: ModelRow
    build: Callable[[Source, Request], AudioModel]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from warning and from drawing progress bars; afterwards it does as it did before."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, enable_progress_bars
    from transformers import utils

    logging: Any = utils.logging  # it is not annotated
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    hub_bars = not are_progress_bars_disabled()
    logging.set_verbosity(logging.ERROR)
    logging.disable_progress_bar()  # the hub's too
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
        if hub_bars:
            enable_progress_bars()
